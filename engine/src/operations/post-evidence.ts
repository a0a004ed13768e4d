import { openSends } from '@telegram-backup/database'
import { describeError, hint, run } from '@telegram-backup/errors'
import { type PostedEvidence, postEvidence as post } from '@telegram-backup/vault/evidence/post-evidence.ts'
import { reconcileUnansweredCalls } from '@telegram-backup/vault/reconcile/unanswered-calls.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { Engine, Watching } from '#engine.ts'

export type { PostedEvidence }

/**
 * Sends the records of evidence that the configured chats lack. Looks first for those whose answers were
 * lost. With nothing to do it only reads the catalog. Throws only when the catalog fails or the signal fires.
 */
export async function postEvidence(
  engine: Pick<Engine, 'config' | 'database' | 'client'>,
  { signal }: Pick<Watching, 'signal'>,
): Promise<PostedEvidence> {
  const session = await openSession({ ...engine, signal })
  const open = await openSends(engine.database, { backupId: null })
  if (open.some(({ purpose }) => purpose === 'evidence')) await reconcileUnansweredCalls(session)
  return await post(session)
}

/** The same after a drill or a review, which have succeeded whatever happens here. */
export async function postEvidenceQuietly(
  engine: Pick<Engine, 'config' | 'database' | 'client'>,
  { signal, note }: Watching,
): Promise<void> {
  try {
    const { left } = await postEvidence(engine, { signal })
    for (const { chat_id, reason } of left) note(unposted(`chat ${chat_id}: ${reason}`))
  } catch (error) {
    if (!signal.aborted) note(unposted(describeError(error).message))
  }
}

function unposted(reason: string): string {
  return String(
    hint`warning: the evidence is in the catalog, but not in the chat yet (${reason}); the service or ${run('reconcile')} sends it`,
  )
}
