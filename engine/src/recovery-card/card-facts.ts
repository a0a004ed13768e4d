import { loadOrCreateSigningKey, signerFingerprint } from '@telegram-backup/archive'
import { catalogIdentity, chatRecord, type Database, indexRows, listBuckets } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { checkChatAccess } from 'telegram-deployment-bot'
import { ownRecipients } from '#age-keys.ts'
import { isThere } from '#durable-files.ts'
import type { Config } from '#environment.ts'
import { type CardFacts, TELEGRAMS_API_ROOT } from '#recovery-card/card.ts'
import { openTelegram } from '#wiring.ts'

/**
 * The facts of the configured chat and this catalog. Throws `CONFIGURATION` for a missing or wrong setting.
 */
export async function gatherFacts(
  { config, signal }: { config: Config; signal: AbortSignal },
  database: Database,
): Promise<CardFacts> {
  const { recipients, chat } = await needed(config)
  const client = await openTelegram(config)
  const { chatId, chatTitle, botUsername } = await checkChatAccess(client, chat, { signal })
  const { catalogId, generation } = await catalogIdentity(database)
  const { signers } = await indexRows(database, chatId)
  const own = await ownSigner(config.signingKeyFile)
  return {
    chatId,
    chatTitle,
    botUsername,
    replicaChatId: config.replicaChatId,
    recipients,
    buckets: await listBuckets(database),
    signers: [...new Set([...(own === undefined ? [] : [own]), ...signers])],
    indexMessageId: (await chatRecord(database, chatId))?.index?.messageId ?? null,
    catalogId,
    generation,
    apiRoot: config.apiRoot ?? TELEGRAMS_API_ROOT,
    writtenAt: new Date(),
  }
}

async function needed(config: Config): Promise<{ chat: string; recipients: CardFacts['recipients'] }> {
  const { chatId, encryption } = config
  if (chatId === undefined)
    throw new BackupError('No chat is configured', { code: 'CONFIGURATION', hint: 'Set TELEGRAM_CHAT_ID.' })
  if (encryption === undefined) {
    const own = await ownRecipients(config).catch(() => [])
    throw new BackupError('No public key is configured, and the card has to name it', {
      code: 'CONFIGURATION',
      hint:
        own.length > 0
          ? `Set BACKUP_AGE_RECIPIENTS=${own.join(',')}, which belongs to the key file; sending needs it as well.`
          : 'Set BACKUP_AGE_RECIPIENTS, as for sending.',
    })
  }
  return { chat: chatId, recipients: encryption === 'off' ? 'off' : encryption.recipients }
}

/** The fingerprint of this machine's signing key; undefined before its first backup. */
export async function ownSigner(path: string): Promise<string | undefined> {
  return (await isThere(path)) ? signerFingerprint(await loadOrCreateSigningKey(path)) : undefined
}
