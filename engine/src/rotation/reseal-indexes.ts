import type { Encryption, SigningKey } from '@telegram-backup/archive'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { refreshIndexes } from '@telegram-backup/vault/session/refresh-indexes.ts'
import type { ReportedReason } from '@telegram-backup/vault/session/report.ts'
import type { Engine, Watching } from '#engine.ts'

/**
 * Seals the indexes of the configured chats with other keys than before, so that the keys that come next open
 * and prove them. Resolves to why the second chat's was left; the next send or reconcile draws it again.
 * Throws what the first chat's refuses: then nothing may change.
 */
export async function resealIndexes(
  engine: Omit<Engine, 'service'>,
  keys: { encryption: Encryption; signingKey: SigningKey },
  { signal, note }: Watching,
): Promise<ReportedReason[]> {
  const { config } = engine
  const opened = await openSession({ ...engine, signal, say: note })
  const session = { ...opened, indexSeal: { ...keys, redraw: true } }
  if (config.chatId === undefined) {
    throw new BackupError('No chat is configured', { code: 'CONFIGURATION', hint: 'Set TELEGRAM_CHAT_ID.' })
  }
  const [refused] = await refreshIndexes(session, [config.chatId])
  if (refused !== undefined) {
    throw new BackupError(`The index of chat ${refused.chat_id} was not replaced: ${refused.reason}`, {
      code: refused.code ?? 'UNAVAILABLE',
      hint: hint`Nothing has changed: the old key still counts. "${run('doctor')}" says what is wrong; then run this command again.`,
    })
  }
  return config.replicaChatId === undefined ? [] : await refreshIndexes(session, [config.replicaChatId])
}
