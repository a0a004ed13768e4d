import type { CatalogRows } from '#torture/judge/catalog-rows.ts'
import type { World } from '#torture/world/world.ts'

/** Nothing is in limbo, nothing that was reported as done is gone, and whoever failed says why. */
export function stateCheck(world: World, { backups, messages, openSends, leases }: CatalogRows): string[] {
  const violations: string[] = []
  const byId = new Map(backups.map(backup => [backup.id, backup]))
  for (const { id, state, error } of backups) {
    // The word that allows the last good one to be erased lies with the machine that heard it.
    if (state === 'erasing' && world.kept.has(id) && world.former.length > 0) continue
    if (state === 'sending' || state === 'erasing')
      violations.push(`limbo: backup ${id} is ${state} after reconcile`)
    if (state === 'failed' && error === null) violations.push(`limbo: backup ${id} failed without a word`)
  }
  for (const id of world.acknowledged.keys()) {
    if (world.condemned.has(id)) continue
    const state = byId.get(id)?.state
    if (state !== 'complete')
      violations.push(`lost: backup ${id} was reported as done and is ${state ?? 'unknown'}`)
  }
  const failed = new Set(
    backups.flatMap(({ id, state, resumable }) => (state === 'failed' && !resumable ? [id] : [])),
  )
  for (const { backupId, kind, partNumber, state, chatId } of messages) {
    const name = `${kind} ${partNumber} of ${backupId} in ${chatId}`
    const owner = byId.get(backupId)?.state
    if (state === 'intended' && owner === 'complete')
      violations.push(`limbo: ${name} is intended in a complete backup`)
    if (state === 'sent' && (failed.has(backupId) || owner === 'erased')) {
      violations.push(`garbage: ${name} is kept although its backup is ${owner}`)
    }
  }
  for (const { purpose, ageSeconds } of openSends) {
    if (ageSeconds > 15 * 60)
      violations.push(`limbo: an open send (${purpose}) is ${Math.round(ageSeconds)} s old`)
  }
  for (const { subject, purpose, expired } of leases) {
    violations.push(
      `limbo: ${expired ? 'an expired' : 'a live'} lease (${purpose}) on ${subject} has no process`,
    )
  }
  return violations
}
