import { type RawBuilder, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { Database } from '#database.ts'
import { isUuid } from '#input-checks.ts'
import type { Backup, JsonObject } from '#jobs/types.backup.ts'

/** The place of a backup in a group: the backups of one run over a source that consists of several. */
export interface GroupPlace {
  id: string
  /** How many members the run had to back up; from 1 to 100,000. */
  size: number
  /** The member that the backup is of; the same name in each run. At most 256 characters. */
  member: string
}

type GroupColumns = Pick<Backup, 'group_id' | 'group_size' | 'member'>

const MOST_MEMBERS = 100_000
const LONGEST_MEMBER = 256

/**
 * The place in a group that the facts of a source name, as `group`. Manifests in the chat have the same
 * facts, so a rebuilt catalog has the groups. Undefined without one, and for one that is malformed.
 */
function groupIn(source: Readonly<Record<string, unknown>> | null | undefined): GroupPlace | undefined {
  const group = source?.['group']
  if (typeof group !== 'object' || group === null) return undefined
  const { id, size, member } = group as Partial<Record<keyof GroupPlace, unknown>>
  if (typeof id !== 'string' || !isUuid(id)) return undefined
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > MOST_MEMBERS) return undefined
  if (typeof member !== 'string' || member === '' || member.length > LONGEST_MEMBER) return undefined
  // Databases refuse a zero character.
  if (member.includes('\0') || !member.isWellFormed()) return undefined
  return { id: id.toLowerCase(), size, member }
}

export function groupColumns(source: JsonObject | null | undefined): GroupColumns {
  const { id = null, size = null, member = null } = groupIn(source) ?? {}
  return { group_id: id, group_size: size, member }
}

/**
 * Whether `other` is a backup of the same thing as `backup`: of one project and type; for members of groups
 * also of the same source and member. Only such a backup may stand in for another.
 */
export const IS_OF_THE_SAME: RawBuilder<boolean> = sql<boolean>`
  other.project_id = backup.project_id and other.type = backup.type
  and other.member is not distinct from backup.member
  and (backup.member is null or other.source_name is not distinct from backup.source_name)`

/** Columns by which backups are of the same thing, as in `IS_OF_THE_SAME`. */
export const SAME_THING: RawBuilder<unknown> = sql`
  project_id, type, member, case when member is not null then source_name end`

/** The members of a group, and how many of them there should be. */
export interface BackupGroup {
  id: string
  /** The most that any of its backups names: a run that went on may have found more. */
  size: number
  /** In every state, oldest first. */
  backups: Backup[]
}

/**
 * The group with that id, or with the only id that begins with `prefix` of at least 8 characters; null when
 * there is none. CatalogError INVALID when there are several.
 */
export async function findGroup({ kysely }: Database, prefix: string): Promise<BackupGroup | null> {
  if (!/^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(prefix)) return null
  const ids = await kysely
    .selectFrom('backups')
    .select('group_id')
    .distinct()
    .where(sql<boolean>`group_id::text like ${`${prefix.toLowerCase()}%`}`)
    .limit(2)
    .execute()
  if (ids.length > 1) {
    throw new CatalogError(`Several groups have ids that begin with ${prefix}`, {
      code: 'INVALID',
      hint: 'Give more of the id.',
    })
  }
  const id = ids[0]?.group_id
  if (id == null) return null
  const backups = await kysely
    .selectFrom('backups')
    .selectAll()
    .where('group_id', '=', id)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return { id, size: Math.max(...backups.map(({ group_size }) => group_size ?? 0)), backups }
}
