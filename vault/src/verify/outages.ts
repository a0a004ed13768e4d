import { BackupError, describeError } from '@telegram-backup/errors'
import { type CallWait, readPinnedIndex, TelegramError } from 'telegram-deployment-bot'
import { endsEverything, type VaultSession } from '#session/session.ts'

/** At most so long a document is tried again: others are waiting to be read. */
const PATIENCE_SECONDS = 20
/** The same for a witness: a document that is asked for only to see whether the chat gives any. */
const WITNESS_PATIENCE_SECONDS = 3

/** Ends a call that was retried for too long; waits for floods do not count. */
export function impatient(
  { onWait }: VaultSession,
  seconds: number = PATIENCE_SECONDS,
): { onWait: (wait: CallWait) => void; reset: () => void } {
  let waited = 0
  return {
    onWait: wait => {
      onWait?.(wait)
      if (wait.reason !== 'retry') return
      waited += wait.seconds
      if (waited <= seconds) return
      throw new BackupError('The server did not send the document in any try', { code: 'UNREACHABLE' })
    },
    reset: () => {
      waited = 0
    },
  }
}

/** Whether the chat gives this document now. */
export async function canBeHad(
  session: VaultSession,
  { fileId, size }: { fileId: string; size: number },
): Promise<boolean> {
  const { client, signal } = session
  const { onWait } = impatient(session, WITNESS_PATIENCE_SECONDS)
  try {
    await client.downloadFile(fileId, { maxBytes: size, signal, onWait })
    return true
  } catch (error) {
    if (endsEverything(session, error)) throw error
    return false
  }
}

/** The last witness: all other documents may be gone as well. */
export async function canIndexBeHad(session: VaultSession, chatId: string): Promise<boolean> {
  const { client, signal } = session
  try {
    const { onWait } = impatient(session, WITNESS_PATIENCE_SECONDS)
    const pinned = await readPinnedIndex(client, chatId, { signal, onWait })
    if (pinned.kind !== 'index' || pinned.document?.sizeBytes === undefined) return false
    const { fileId, sizeBytes: size } = pinned.document
    return await canBeHad(session, { fileId, size })
  } catch (error) {
    if (endsEverything(session, error)) throw error
    return false
  }
}

/** Either the document or the server is unavailable: another document of the chat shows which. */
const MAY_BE_ABOUT_THE_DOCUMENT: ReadonlySet<string> = new Set([
  'INTEGRITY',
  'REFUSED',
  'UNREACHABLE',
  'ANSWER_LOST',
  'UNPROVEN',
])

export function mayBeAboutTheDocument(error: unknown): boolean {
  return MAY_BE_ABOUT_THE_DOCUMENT.has(describeError(error).code)
}

/** Why a document could not be read, in the server's words if it said any. */
export function whyOf(error: unknown): string {
  const { cause } = error instanceof TelegramError ? error : {}
  return (cause instanceof TelegramError ? cause.description : undefined) ?? describeError(error).message
}
