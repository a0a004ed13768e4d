import type { Catalog } from '#torture/world/catalog.ts'

const PASSED = {
  /** Deletes are told by a pack of their own; it is too soon for a checkpoint. */
  'some seconds': "interval '40 seconds'",
  /** Longer than the time for which a deleted object of any bucket can be brought back. */
  'a week': "interval '8 days'",
} as const

/**
 * As if time had passed in which no service was running. After some seconds the next one tells of deletions;
 * after a week it also draws checkpoints, purges, erases garbage and compacts.
 */
export async function timePasses(catalog: Catalog, howMuch: keyof typeof PASSED): Promise<void> {
  const passed = PASSED[howMuch]
  await catalog.rows(`update control_plane.packs set sent_at = sent_at - ${passed} where state = 'sent'`)
  await catalog.rows(
    `update control_plane.objects set stored_at = stored_at - ${passed}, deleted_at = deleted_at - ${passed}
      where state <> 'intended'`,
  )
}
