import { access } from 'node:fs/promises'
import { type CommandContext, type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { BackupError } from '#lib/backups/backup-error.ts'
import type { CardFacts } from '#recovery/card.ts'
import { openTelegram } from '#wiring.ts'

interface CardOptions {
  out?: string
  json?: boolean
}

/** `card`: what a person needs on the worst day, without a secret. */
export const registerCard: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('card'), [
    'telegram-backup card | lp',
    'telegram-backup card --out recovery-card.txt',
  ])
    .description(
      'print the recovery card: chat, bot, keys and signatures by their fingerprints, and the way back with and without this program. No secret is on it; keep it with the key file',
    )
    .option('--out <file>', 'write the card to this file')
    .action((options: CardOptions) =>
      run(async context => {
        const { writeCard } = await import('#recovery/card.ts')
        const facts = await gatherFacts(context)
        const card = writeCard(facts)
        if (options.out !== undefined) {
          const { writeToFile } = await import('#restore/write-back.ts')
          await writeToFile(only(Buffer.from(`${card}\n`)), options.out)
        }
        context.output.answer({ ...answerOf(facts), card }, () =>
          options.out === undefined
            ? card
            : `The recovery card is in ${options.out}. Print it; it holds no secret.`,
        )
        return ExitCode.DONE
      }, options),
    )
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

function answerOf(facts: CardFacts): Record<string, unknown> {
  return {
    chat: { id: facts.chatId, title: facts.chatTitle },
    replica_chat_id: facts.replicaChatId ?? null,
    bot: facts.botUsername,
    recipients: facts.recipients,
    signers: facts.signers,
    index_message_id: facts.indexMessageId,
    catalog: { id: facts.catalogId, generation: facts.generation },
  }
}

async function gatherFacts(context: CommandContext): Promise<CardFacts> {
  const { config, signal } = context
  const { checkChatAccess } = await import('telegram-deployment-bot')
  const { recipients, chat } = needed(config)
  const client = await openTelegram(config)
  const { chatId, chatTitle, botUsername } = await checkChatAccess(client, chat, { signal })
  return await withCatalog(context, async database => {
    const { catalogIdentity, chatRecord, drawIndex } = await import('@telegram-backup/database')
    const { catalogId, generation } = await catalogIdentity(database)
    const { signers } = await drawIndex(database, chatId)
    const own = await ownSigner(config.signingKeyFile)
    return {
      chatId,
      chatTitle,
      botUsername,
      replicaChatId: config.replicaChatId,
      recipients,
      signers: [...new Set([...(own === undefined ? [] : [own]), ...signers])],
      indexMessageId: (await chatRecord(database, chatId))?.index?.messageId ?? null,
      catalogId,
      generation,
      apiRoot: config.apiRoot ?? 'https://api.telegram.org',
      writtenAt: new Date(),
    }
  })
}

function needed(config: CommandContext['config']): { chat: string; recipients: CardFacts['recipients'] } {
  const { chatId, encryption } = config
  if (chatId === undefined)
    throw new BackupError('No chat is configured', { code: 'CONFIGURATION', hint: 'Set TELEGRAM_CHAT_ID.' })
  if (encryption === undefined) {
    throw new BackupError('No public key is configured, and the card has to name it', {
      code: 'CONFIGURATION',
      hint: 'Set BACKUP_AGE_RECIPIENTS, as for sending.',
    })
  }
  return { chat: chatId, recipients: encryption === 'off' ? 'off' : encryption.recipients }
}

/** Of the key of this machine; undefined before its first backup. */
async function ownSigner(path: string): Promise<string | undefined> {
  const { loadOrCreateSigningKey, signerFingerprint } = await import('@telegram-backup/archive')
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  return exists ? signerFingerprint(await loadOrCreateSigningKey(path)) : undefined
}
