import type { Database } from '#database.ts'
import type { BackupType } from '#jobs/types.backup.ts'
import { declaringServices } from '#queue/services.ts'

/** A source that some serve wants drilled. */
export interface DrillWish extends SourcePlace {
  /** A drill has to prove it within so many milliseconds. */
  within_ms: number
}

/** What names a source. */
export interface SourcePlace {
  project_id: string
  type: BackupType
  source_name: string
}

export function placeKey({ project_id, type, source_name }: SourcePlace): string {
  return JSON.stringify([project_id, type, source_name])
}

/** What the services that count want drilled: of several limits, the shortest. In the order of their keys. */
export async function drillWishes(database: Pick<Database, 'kysely'>): Promise<DrillWish[]> {
  const wishes = new Map<string, DrillWish>()
  const services = await declaringServices(database)
  for (const { name, project_id, type, drill_within_ms } of services.flatMap(({ sources }) => sources)) {
    // A serve of an older release says nothing of drills.
    if (project_id === null || type === null || drill_within_ms == null) continue
    const place = { project_id, type, source_name: name }
    const known = wishes.get(placeKey(place))?.within_ms ?? Number.POSITIVE_INFINITY
    wishes.set(placeKey(place), { ...place, within_ms: Math.min(known, drill_within_ms) })
  }
  return [...wishes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, wish]) => wish)
}
