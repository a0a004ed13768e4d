import {
  loadOrCreateSigningKey,
  readIdentityFile,
  recipientOf,
  signerFingerprint,
} from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import { recover as recoverChats } from '@telegram-backup/vault/recover/recover.ts'
import {
  arePlansLost,
  isAllRefused,
  isIncomplete,
  type RecoveredBackup,
  type RecoveryReport,
} from '@telegram-backup/vault/recover/recovery-report.ts'
import { nextTime } from '#cron/cron-times.ts'
import type { Engine, Watching } from '#engine.ts'

export { arePlansLost, isAllRefused, isIncomplete, type RecoveredBackup, type RecoveryReport }

/** Which signatures count, and how far back the search goes. */
export interface RecoverRequest {
  /** Fingerprints of the accepted signing keys; without any, the first key that is found. */
  signers: readonly string[]
  /** When the index is lost, also searches messages far older than ours, which people most likely wrote. */
  wholeChat: boolean
}

export interface RecoverHooks extends Watching {
  /** Called first, with the largest number of messages to look for. */
  onPlan: (plan: { messages: number; what: string }) => void
  /** Called for each message that is asked for. */
  onLook: () => void
}

/**
 * Rebuilds the catalog from the chat and takes the chat over. What the catalog already has stays as it is. A
 * run after a crash ends with the same result. Throws `CONFIGURATION` without a chat, `NOT_FOUND` when the
 * chat has nothing of ours, `WRONG_KEY` when the key opens nothing.
 */
export async function recover(
  { config, database, client }: Omit<Engine, 'service'>,
  request: RecoverRequest,
  { signal, note, onPlan, onLook }: RecoverHooks,
): Promise<RecoveryReport> {
  if (config.chatId === undefined) {
    throw new BackupError('No chat is configured', { code: 'CONFIGURATION', hint: 'Set TELEGRAM_CHAT_ID.' })
  }
  if (config.identityFile === undefined) {
    note('No key file is configured (BACKUP_AGE_IDENTITY_FILE): only captions can be read.')
  }
  const identities = config.identityFile === undefined ? [] : await readIdentityFile(config.identityFile)
  const publicKeys = await Promise.all(identities.map(recipientOf))
  const signingKey = () => loadOrCreateSigningKey(config.signingKeyFile)
  return await recoverChats({
    ...{ client, database, identities, signingKey, signal, onPlan, onLook },
    ...request,
    chat: config.chatId,
    replicaChat: config.replicaChatId,
    encryption: config.encryption,
    nextRun: nextTime,
    // A signing key that cannot be read is reported when something has to be signed.
    ownSigner: await signingKey().then(signerFingerprint, () => undefined),
    onWrongKey: () =>
      note(
        `warning: ${config.identityFile} is the key ${publicKeys.join(', ')}, which does not open the index in this chat; is it the right one? The search continues.`,
      ),
  })
}
