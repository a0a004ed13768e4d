import { findPacks } from '@telegram-backup/database'
import type { PackWriter } from '#objects/fill/pack-writer.ts'
import type { Writer } from '#objects/messages/writer.ts'
import { reconcilePacks } from '#objects/reconcile/reconcile-packs.ts'
import type { VaultSession } from '#session/session.ts'

/**
 * R9 for a process that goes on: packs that it could not send to the end, because answers were lost or the
 * catalog was away, are adopted or given up, as another process would do it after its end.
 */
export async function reconcileOwnPacks(
  session: VaultSession,
  { packWriter, writer }: { packWriter: PackWriter; writer: Writer },
): Promise<void> {
  const packIds = packWriter.leftPacks()
  if (packIds.length === 0) return
  await reconcilePacks(session, { lease: await writer.lease(), packIds })
  const unproven = await findPacks(session.database, packIds)
  const stillLeft = new Set(unproven.filter(({ state }) => state === 'intended').map(({ id }) => id))
  packWriter.forget(packIds.filter(id => !stillLeft.has(id)))
}
