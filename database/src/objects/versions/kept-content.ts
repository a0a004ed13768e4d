import { type Kysely, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'

/**
 * Objects of one bucket that are in the catalog alone, such as locks: 62 MiB, if all are as large as they can
 * be. A client that may only add would otherwise fill the disk of all buckets.
 */
const MOST_IN_CATALOG_ALONE = 1_000
/** Versions of one bucket in a chat whose bytes the catalog keeps as well: at most 625 MiB. */
const MOST_KEPT = 10_000

/** To be called with the bucket locked. CatalogError CONFLICT. */
export async function refuseTooMany(kysely: Kysely<CatalogSchema>, bucketId: string): Promise<void> {
  const room = await roomFor(kysely, { bucketId, inChat: false, most: MOST_IN_CATALOG_ALONE })
  if (room > 0) return
  throw new CatalogError(
    `The bucket has ${MOST_IN_CATALOG_ALONE} locks, or other objects that are in the catalog alone, and takes no more`,
    {
      code: 'CONFLICT',
      hint: 'Remove the ones that nobody uses any more; restic does it by its command unlock.',
    },
  )
}

/** How many versions more the catalog may keep the bytes of. */
export async function roomForContent(kysely: Kysely<CatalogSchema>, bucketId: string): Promise<number> {
  return await roomFor(kysely, { bucketId, inChat: true, most: MOST_KEPT })
}

async function roomFor(
  kysely: Kysely<CatalogSchema>,
  { bucketId, inChat, most }: { bucketId: string; inChat: boolean; most: number },
): Promise<number> {
  const { rows } = await sql<{ found: number }>`
    select count(*) as found
      from (select from control_plane.objects
             where bucket_id = ${bucketId} and in_chat = ${inChat} and content is not null limit ${most}) counted
  `.execute(kysely)
  return most - Number(rows[0]?.found ?? 0)
}
