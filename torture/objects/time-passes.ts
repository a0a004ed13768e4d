import type { Catalog } from '#torture/world/catalog.ts'

/** Longer than the time for which a deleted object of any bucket can be brought back. */
const PASSED = "interval '8 days'"

/**
 * As if a week had passed in which no service was running: the next one tells of deletions, draws
 * checkpoints, purges, erases garbage and compacts, all while clients are at work.
 */
export async function timePasses(catalog: Catalog): Promise<void> {
  await catalog.rows(`update control_plane.packs set sent_at = sent_at - ${PASSED} where state = 'sent'`)
  await catalog.rows(
    `update control_plane.objects set stored_at = stored_at - ${PASSED}, deleted_at = deleted_at - ${PASSED}
      where state <> 'intended'`,
  )
}
