import {
  type BackupType,
  type Database,
  type DeclaredPlaces,
  type DeclaredSource,
  declaringServices,
  listSchedules,
  noteSourceCheck,
  type Schedule,
  type SourceCheck,
  sourceChecks,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { ConfigFile } from '#config/config-file.ts'
import type { KeyConfig } from '#config/drill-wishes.ts'
import { perform } from '#doctor/check.ts'
import { sourceCheck } from '#doctor/place-checks.ts'
import { declaredPlaces } from '#monitoring/declared-places.ts'

/** A source as the configuration files have it, without its place and its secrets. */
export type SourceView = {
  name: string
  /** Null while it cannot be read. */
  project_id: string | null
  type: BackupType | null
  kind: string | null
  /** Whether its settings can be used. */
  is_usable: boolean
  /** How many running serves have it in their file. */
  serves: number
  no_backup_for_hours: number | null
  /** What its backups record to be compared in drills; null where nothing is, or nobody says. */
  proof: DeclaredSource['proof']
  /** Within so long a drill has to prove it; null where no serve makes drills of it. */
  drill_within_hours: number | null
  schedules: Pick<Schedule, 'id' | 'cron' | 'timezone' | 'enabled' | 'next_run_at'>[]
  last_check: SourceCheckView | null
}

/** The result of a check. Message and hint may name servers: null for a key without the scope `admin`. */
export type SourceCheckView = Pick<SourceCheck, 'state' | 'checked_at'> & {
  message: string | null
  hint: string | null
}

export type TargetView = {
  name: string
  /** Null for a target that only unbound keys may use, and while it cannot be read. */
  project_id: string | null
  kind: string | null
  serves: number
}

export interface PlacesViewer {
  /** Only this project; undefined for all. */
  projectId?: string | undefined
  isAdmin: boolean
}

/** What this process declares itself. */
interface Own {
  config: KeyConfig
  configFile: Parameters<typeof declaredPlaces>[0]
}

/** The sources that any serve or this process declares, by name. */
export async function listSources(
  database: Database,
  own: Own,
  { projectId, isAdmin }: PlacesViewer,
): Promise<SourceView[]> {
  const all = await everyDeclared(database, own, 'sources')
  const schedules = Map.groupBy(await listSchedules(database), ({ source }) => source)
  const checks = await sourceChecks(database)
  return all
    .filter(({ place }) => projectId === undefined || place.project_id === projectId)
    .map(({ place, serves }) => {
      const { name, project_id, type, kind, is_usable, no_backup_for_ms, proof, drill_within_ms } = place
      const check = checks.get(name)
      return {
        ...{ name, project_id, type, kind, is_usable, serves },
        no_backup_for_hours: no_backup_for_ms === null ? null : no_backup_for_ms / 3_600_000,
        proof,
        drill_within_hours: drill_within_ms === null ? null : drill_within_ms / 3_600_000,
        schedules: (schedules.get(name) ?? [])
          .filter(schedule => schedule.project_id === project_id && schedule.type === type)
          .map(({ id, cron, timezone, enabled, next_run_at }) => ({
            id,
            cron,
            timezone,
            enabled,
            next_run_at,
          })),
        last_check: check?.project_id === project_id ? checkView(check, isAdmin) : null,
      }
    })
}

/** The restore targets that any serve or this process declares, by name. */
export async function listTargets(
  database: Database,
  own: Own,
  { projectId }: PlacesViewer,
): Promise<TargetView[]> {
  const all = await everyDeclared(database, own, 'targets')
  return all
    .filter(({ place }) => projectId === undefined || place.project_id === projectId)
    .map(({ place: { name, project_id, kind }, serves }) => ({ name, project_id, kind, serves }))
}

/** By name; the same name with another project or type is another entry. */
async function everyDeclared<Kind extends keyof DeclaredPlaces>(
  database: Database,
  own: Own,
  kind: Kind,
): Promise<{ place: DeclaredPlaces[Kind][number]; serves: number }[]> {
  type Place = DeclaredPlaces[Kind][number]
  const services = await declaringServices(database)
  const found = new Map<string, { place: Place; serves: number }>()
  const add = (place: Place, serves: number): void => {
    const key = JSON.stringify([place.name, place.project_id, 'type' in place ? place.type : null])
    found.set(key, { place, serves: (found.get(key)?.serves ?? 0) + serves })
  }
  for (const service of services) {
    for (const place of service[kind] as readonly Place[]) add(place, service.is_alive ? 1 : 0)
  }
  // This process may not have written what it declares yet.
  for (const place of declaredPlaces(own.configFile, own.config)[kind] as readonly Place[]) add(place, 0)
  return [...found.values()].sort((a, b) => (a.place.name < b.place.name ? -1 : 1))
}

function checkView(check: SourceCheck, isAdmin: boolean): SourceCheckView {
  const { state, message, hint, checked_at } = check
  return { state, message: isAdmin ? message : null, hint: isAdmin ? hint : null, checked_at }
}

/**
 * Checks whether a backup of a source of this process could be made now, within 15 seconds, and records the
 * result. Throws what the catalog throws; what is wrong with the source is no error.
 */
export async function checkSource(
  database: Database,
  {
    name,
    projectId,
    file,
    signal,
  }: {
    name: string
    projectId: string
    file: Pick<ConfigFile, 'source'>
    signal: AbortSignal
  },
): Promise<SourceCheckView> {
  const check = await perform(sourceCheck(name, file), { signal })
  if (check === undefined || signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
  const { state, message, hint = null } = check
  const noted = await noteSourceCheck(database, { source: name, project_id: projectId, state, message, hint })
  return checkView(noted, true)
}
