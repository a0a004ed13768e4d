import { createHash } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import type { Job } from '#jobs/types.job.ts'
import { isGone, thisProcess } from '#leases/holder.ts'
import { jobOf } from '#queue/job-rows.ts'
import type { DeclaredPlaces, DeclaredSource, DeclaredTarget } from '#queue/types.service.ts'

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

/** What a service does jobs of, with what others may know of it. */
export interface DeclaredNames extends ServedNames {
  /** Names alone, unless it is given. */
  declared?: DeclaredPlaces | undefined
  /** Where its page is. */
  url?: string | undefined
}

const NAMES_ALONE: DeclaredPlaces = { sources: [], targets: [] }

/**
 * Records what this process does jobs of, under an id of its own; to be called at least once a minute and
 * after each change. Removes earlier processes of the same machine.
 */
export async function noteService(
  database: Database,
  { id, sources, targets, drills = false, declared = NAMES_ALONE, url }: DeclaredNames & { id: string },
): Promise<void> {
  checkUuid('service id', id)
  const { kysely } = database
  const holder = thisProcess()
  const declared_sources = JSON.stringify(declared.sources)
  const declared_targets = JSON.stringify(declared.targets)
  const names = { sources: [...sources], targets: [...targets], drills }
  const said = { ...names, declared_sources, declared_targets, url: url ?? null }
  const edition = createHash('sha256').update(JSON.stringify(said)).digest('hex')
  const { numUpdatedRows } = await kysely
    .updateTable('services')
    .set({ seen_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('edition', '=', edition)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) {
    const row = { ...holder, ...said, edition, kept_for: keptFor(declared.sources) }
    await kysely
      .insertInto('services')
      .values({ id, ...row })
      .onConflict(conflict =>
        conflict.column('id').doUpdateSet({ ...row, seen_at: sql<Date>`clock_timestamp()` }),
      )
      .execute()
  }
  const others = await kysely
    .selectFrom('services')
    .select(['id', 'host', 'pid', 'started', 'hostname', 'seen_at'])
    .select(sql<boolean>`seen_at < clock_timestamp() - ${AWAY}`.as('away'))
    .select(sql<boolean>`seen_at < clock_timestamp() - kept_for`.as('forgotten'))
    .where('id', '<>', id)
    .execute()
  for (const other of others) {
    const isReplaced = other.hostname === holder.hostname && (other.away || isGone(other))
    if (!other.forgotten && !isReplaced) continue
    // Unless it has given a sign since.
    await kysely
      .deleteFrom('services')
      .where('id', '=', other.id)
      .where('seen_at', '=', other.seen_at)
      .execute()
  }
}

const DAY_MS = 86_400_000
const LONGEST_KEPT_MS = 30 * DAY_MS

/** A source counts as declared for a day after the last sign, and for twice its limit. */
function declaredForMs({ no_backup_for_ms }: DeclaredSource): number {
  return Math.min(LONGEST_KEPT_MS, Math.max(DAY_MS, 2 * (no_backup_for_ms ?? 0)))
}

function keptFor(sources: readonly DeclaredSource[]): string {
  return `${Math.max(DAY_MS, ...sources.map(declaredForMs))} milliseconds`
}

/** A service and what it declares. */
export interface DeclaringService {
  /** It gave a sign within the last two minutes. */
  is_alive: boolean
  sources: DeclaredSource[]
  targets: DeclaredTarget[]
}

/** The services that count, and what each declares. */
export async function declaringServices({ kysely }: Pick<Database, 'kysely'>): Promise<DeclaringService[]> {
  const rows = await kysely
    .selectFrom('services')
    .select(['sources', 'targets', 'declared_sources', 'declared_targets'])
    .select(sql<number>`extract(epoch from clock_timestamp() - seen_at) * 1000`.as('silent_ms'))
    .select(sql<boolean>`seen_at >= clock_timestamp() - ${AWAY}`.as('is_alive'))
    .orderBy('id')
    .execute()
  return rows.map(({ sources, targets, declared_sources, declared_targets, silent_ms, is_alive }) => ({
    is_alive,
    sources: [
      ...declared_sources
        .filter(source => silent_ms < declaredForMs(source))
        .map(source => ({ ...source, proof: source.proof ?? null })),
      // A service of an older release only has names.
      ...namesAlone(sources, declared_sources, silent_ms).map(unknownSource),
    ],
    targets: [
      ...declared_targets.filter(() => silent_ms < DAY_MS),
      ...namesAlone(targets, declared_targets, silent_ms).map(unknownTarget),
    ],
  }))
}

/** A service that runs and has a page. */
export interface ServicePage {
  url: string
  isOnThisMachine: boolean
}

/** The pages of the services that run; of processes that have ended on this machine, none. */
export async function servicePages({ kysely }: Database): Promise<ServicePage[]> {
  const rows = await kysely
    .selectFrom('services')
    .select(['host', 'pid', 'started', 'hostname', 'url'])
    .where('seen_at', '>', sql<Date>`clock_timestamp() - ${AWAY}`)
    .orderBy('seen_at', 'desc')
    .execute()
  const { hostname } = thisProcess()
  return rows.flatMap(({ url, ...holder }) =>
    url === null || isGone(holder) ? [] : [{ url, isOnThisMachine: holder.hostname === hostname }],
  )
}

function namesAlone(
  names: readonly string[],
  declared: readonly { name: string }[],
  silentMs: number,
): string[] {
  const known = new Set(declared.map(({ name }) => name))
  return silentMs < DAY_MS ? names.filter(name => !known.has(name)) : []
}

function unknownTarget(name: string): DeclaredTarget {
  return { name, project_id: null, kind: null }
}

function unknownSource(name: string): DeclaredSource {
  return {
    ...unknownTarget(name),
    type: null,
    is_usable: true,
    no_backup_for_ms: null,
    drill_within_ms: null,
    proof: null,
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
 * waiting first, 1,000 at most. None while a process of an older release works, which does not record what it
 * runs.
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
