import { createJob, type Database } from '@telegram-backup/database'
import { sql } from 'kysely'

/**
 * A complete backup of a source, recorded by hand; with `failedToo`, a job of that source that has failed
 * since.
 */
export async function recordBackup(
  database: Database,
  source: string,
  size: number,
  failedToo = false,
): Promise<void> {
  await sql`insert into control_plane.projects (id) values ('shop') on conflict do nothing`.execute(
    database.kysely,
  )
  await sql`
    insert into control_plane.backups (project_id, type, source_name, state, size, file_id, created_at, completed_at)
    values ('shop', 'database', ${source}, 'complete', ${size}, 'f', clock_timestamp(), clock_timestamp())
  `.execute(database.kysely)
  if (!failedToo) return
  const { job } = await createJob(database, { kind: 'backup', projectId: 'shop', source }, async () => {})
  await sql`
    update control_plane.jobs
       set state = 'failed', finished_at = clock_timestamp() + interval '1 ms', error_code = 'SOURCE',
           error = 'pg_dump: @admin said no'
     where id = ${job.id}
  `.execute(database.kysely)
}

/** For a proxy of the catalog's connections, which fails while `isBroken` says so. */
export function brokenWhile(isBroken: () => boolean) {
  return (target: object, name: string | symbol): unknown => {
    if (isBroken())
      throw Object.assign(new Error('The connection to the catalog was lost'), { code: 'CATALOG' })
    const value: unknown = Reflect.get(target, name)
    return typeof value === 'function' ? value.bind(target) : value
  }
}
