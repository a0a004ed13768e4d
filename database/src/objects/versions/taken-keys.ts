import { type Kysely, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'

/** An object that may only be stored if its key is free, or has the same bytes. */
export interface WantedKey {
  key: string
  /** Hex. */
  sha256: string
}

/** Those of the wanted keys under which other bytes are stored, or are being stored. */
export async function takenKeys(
  { kysely }: Pick<Database, 'kysely'>,
  of: { bucketId: string; wanted: readonly WantedKey[] },
): Promise<string[]> {
  checkUuid('bucket id', of.bucketId)
  return await findTaken(kysely, of)
}

/** To be called with the bucket locked. Throws CatalogError CONFLICT. */
export async function refuseTakenKeys(
  kysely: Kysely<CatalogSchema>,
  of: { bucketId: string; wanted: readonly WantedKey[] },
): Promise<void> {
  const [key] = await findTaken(kysely, of)
  if (key === undefined) return
  throw new CatalogError(`There is an object ${key} with other bytes already`, { code: 'CONFLICT' })
}

async function findTaken(
  kysely: Kysely<CatalogSchema>,
  { bucketId, wanted }: { bucketId: string; wanted: readonly WantedKey[] },
): Promise<string[]> {
  if (wanted.length === 0) return []
  const keys = JSON.stringify(wanted.map(({ key, sha256 }) => ({ key, sha256 })))
  // `limit` makes the planner look each key up, also without statistics, when it takes the bucket for empty.
  const { rows } = await sql<{ key: string }>`
    select distinct other.key
      from jsonb_to_recordset(${keys}::jsonb) as wanted (key text, sha256 text)
     cross join lateral (
       select object.key from control_plane.objects object
        where object.bucket_id = ${bucketId} and object.key = wanted.key collate "C"
          and object.state in ('live', 'intended') and object.sha256 <> wanted.sha256 limit 1) other
  `.execute(kysely)
  return rows.map(({ key }) => key)
}
