import { randomUUID } from 'node:crypto'
import { type Database, type DeclaredSource, noteService } from '@telegram-backup/database'
import { sql } from 'kysely'

/**
 * Fills an empty catalog as years of work do: each source has a schedule and a plan of drills; each backup
 * has its job, three parts, a look for its messages and a reading; three of a source were drilled. Every
 * twentieth source has two members; every tenth backup failed.
 * @returns the names of the sources
 */
export async function fillCatalog(database: Database, sources: number, backups: number): Promise<string[]> {
  const run = async (statement: ReturnType<typeof sql>): Promise<void> => {
    await statement.execute(database.kysely)
  }
  await run(
    sql`insert into control_plane.projects (id) select 'p' || number from generate_series(0, 9) number`,
  )
  await run(sql`
    insert into control_plane.backups
           (project_id, type, source_name, state, size, archive_size, part_count, file_id, created_at, completed_at,
            verified_at, group_id, group_size, member, source)
    select 'p' || source % 10, 'database', 's' || source, state, number * 1000, number * 500, 3, 'f', made,
           case when state = 'complete' then made + interval '20 seconds' end,
           case when state = 'complete' then made + interval '1 hour' end,
           case when source % 20 = 0 then md5('g' || source || '-' || number / ${sources}::int / 2)::uuid end,
           case when source % 20 = 0 then 2 end, case when source % 20 = 0 then 'm' || number / ${sources}::int % 2 end,
           '{"kind": "postgres", "database_size": 1000000}'
      from (select number, number % ${sources}::int as source,
                   case when (number / ${sources}::int + number) % 10 = 9 then 'failed' else 'complete' end as state,
                   now() - (${backups}::int - number) * interval '1 minute' as made
              from generate_series(0, ${backups}::int - 1) number) rows`)
  await run(sql`
    insert into control_plane.jobs (project_id, kind, state, created_at, started_at, finished_at, backup_id, source, error_code, error)
    select project_id, 'backup', case state when 'complete' then 'done' else 'failed' end, created_at, created_at,
           created_at + interval '20 seconds', id, source_name,
           case state when 'failed' then 'SOURCE' end, case state when 'failed' then 'x' end
      from control_plane.backups`)
  await run(sql`
    insert into control_plane.backup_parts (backup_id, chat_id, kind, part_no, message_id, file_id, file_name, size, sha256, state, sent_at)
    select id, '1', 'part', part, part, 'f', 'f', 1, repeat('0', 64), 'sent', now()
      from control_plane.backups, generate_series(1, 3) part where state = 'complete'`)
  await run(sql`
    insert into control_plane.verifications (backup_id, kind, state, actor, started_at, finished_at)
    select id, kind, 'sound', 'schedule', created_at + interval '1 hour', created_at + interval '2 hours'
      from control_plane.backups, unnest('{existence,data}'::text[]) kind where state = 'complete'`)
  await run(sql`
    with newest as (
      select *, row_number() over (partition by source_name, member order by created_at desc) as place
        from control_plane.backups where state = 'complete'
    ), drilled as (
      insert into control_plane.jobs (project_id, kind, state, created_at, started_at, finished_at, backup_id, source)
      select project_id, 'drill', 'done', created_at + interval '2 hours', created_at + interval '2 hours',
             created_at + interval '3 hours', id, source_name from newest where place <= 3 returning *)
    insert into control_plane.verifications (backup_id, job_id, kind, state, actor, started_at, finished_at, depth, report)
    select backup_id, id, 'drill', 'sound', 'schedule', started_at, finished_at, 'contents', ${JSON.stringify(REPORT)}::jsonb
      from drilled`)
  await run(sql`
    insert into control_plane.schedules (source, project_id, type, cron, timezone, next_run_at)
    select distinct source_name, project_id, type, '0 3 * * *', 'UTC', now() + interval '1 day' from control_plane.backups`)
  await run(sql`
    insert into control_plane.drill_plans (project_id, type, source)
    select distinct project_id, type, source_name from control_plane.backups`)
  const names = Array.from({ length: sources }, (_, number) => `s${number}`)
  const declared = { sources: names.map(declaredSource), targets: [] }
  await noteService(database, { id: randomUUID(), sources: names, targets: [], drills: true, declared })
  for (const table of ['backups', 'jobs', 'backup_parts', 'verifications', 'schedules', 'drill_plans'])
    await run(sql`analyze ${sql.table(`control_plane.${table}`)}`)
  return names
}

/** As a serve declares it whose file wants a drill within 30 days. */
function declaredSource(name: string, number: number): DeclaredSource {
  return {
    ...{ name, project_id: `p${number % 10}`, type: 'database', kind: 'postgres', is_usable: true },
    ...{ no_backup_for_ms: null, drill_within_ms: 30 * 86_400_000, proof: 'fast' },
  }
}

const REPORT = {
  state: 'passed',
  where: 'its own server',
  depth: 'contents',
  compared: { contents: 'equal', tables: 50, rows: 1_000_000 },
  not_covered: Array.from({ length: 10 }, (_, number) => ({ table: `public.t${number}`, reason: 'a view' })),
  differences: [],
  notes: [],
  seconds: 10,
  phases: { fetch_seconds: 2, open_seconds: 1, restore_seconds: 5, compare_seconds: 2 },
}
