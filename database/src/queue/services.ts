import { type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import type { Job } from '#jobs/types.job.ts'
import { isGone, thisProcess } from '#leases/holder.ts'
import { jobOf } from '#queue/job-rows.ts'

/** The names of sources and restore targets whose jobs are run. */
export interface ServedNames {
  sources: readonly string[]
  targets: readonly string[]
  /** Whether drills are made too. Default: none. */
  drills?: boolean
}

/** How long a service counts after its last sign: its machine may be down, and come back. */
const REMEMBERED = sql`interval '1 day'`
/** After this time without a sign it does not run; a service on the same machine has replaced it. */
const AWAY = sql`interval '2 minutes'`

/**
 * Records which jobs this process runs, under an id of its own; to be called at least once a minute and after
 * each change. Removes earlier processes of the same machine.
 */
export async function noteService(
  database: Database,
  { id, sources, targets, drills = false }: ServedNames & { id: string },
): Promise<void> {
  checkUuid('service id', id)
  const row = { ...thisProcess(), sources: [...sources], targets: [...targets], drills }
  const { kysely } = database
  await kysely
    .insertInto('services')
    .values({ id, ...row })
    .onConflict(conflict =>
      conflict.column('id').doUpdateSet({ ...row, seen_at: sql<Date>`clock_timestamp()` }),
    )
    .execute()
  const others = await kysely
    .selectFrom('services')
    .selectAll()
    .select(sql<boolean>`seen_at < clock_timestamp() - ${AWAY}`.as('away'))
    .select(sql<boolean>`seen_at < clock_timestamp() - ${REMEMBERED}`.as('forgotten'))
    .where('id', '<>', id)
    .execute()
  for (const other of others) {
    const isReplaced = other.hostname === row.hostname && (other.away || isGone(other))
    if (!other.forgotten && !isReplaced) continue
    // Unless it has given a sign since.
    await kysely
      .deleteFrom('services')
      .where('id', '=', other.id)
      .where('seen_at', '=', other.seen_at)
      .execute()
  }
}

/** The sources and targets of services that ran within the last day. */
export async function servedNames({ kysely }: Database): Promise<ServedNames> {
  const rows = await kysely
    .selectFrom('services')
    .select(['sources', 'targets'])
    .where('seen_at', '>', sql<Date>`clock_timestamp() - ${REMEMBERED}`)
    .execute()
  const all = (names: 'sources' | 'targets'): string[] => [...new Set(rows.flatMap(row => row[names]))].sort()
  return { sources: all('sources'), targets: all('targets') }
}

/**
 * Due backups, restores and drills whose source or target no service of the last day runs; the longest
 * waiting first, 1,000 at most. None while a process of an older release works, which does not record what it runs.
 */
export async function unservedJobs({ kysely }: Database): Promise<Job[]> {
  const { rows } = await sql<Selectable<CatalogSchema['jobs']>>`
    select waiting.* from control_plane.jobs waiting
     where state = 'queued' and (kind = 'backup' and source is not null or kind = 'restore' and target is not null or kind = 'drill')
       and run_after <= clock_timestamp()
       and not exists (select from control_plane.services
                        where seen_at > clock_timestamp() - ${REMEMBERED}
                          and case waiting.kind
                                when 'backup' then waiting.source = any(sources)
                                when 'restore' then waiting.target = any(targets)
                                else drills and coalesce(waiting.target = any(targets), waiting.source = any(sources), true) end)
       and not exists (select from control_plane.jobs running
                        where running.state = 'running' and running.kind = waiting.kind
                          and running.source is not distinct from waiting.source
                          and running.target is not distinct from waiting.target)
       and not exists (select from control_plane.leases lease
                        where purpose = 'job' and expires_at > clock_timestamp()
                          and not exists (select from control_plane.services service
                                           where service.hostname = lease.hostname and service.pid = lease.pid
                                             and service.host is not distinct from lease.host
                                             and service.started is not distinct from lease.started))
     order by run_after limit 1000
  `.execute(kysely)
  return rows.map(jobOf)
}
