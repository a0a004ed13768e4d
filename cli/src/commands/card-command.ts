import type { CardFacts } from '@telegram-backup/engine/recovery-card/card.ts'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand, withCatalog } from '#commands/command.ts'

interface CardOptions {
  out?: string
  json?: boolean
}

/** `card`: what a person needs to recover a lost server; it holds no secret. */
export const registerCard: RegisterCommand = (program, run) => {
  describeCommand(program.command('card'), {
    description:
      'print the recovery card: the chat, the bot, the fingerprints of the keys, and how to restore with and without this program. The card holds no secret; keep it with the key file',
    options: {
      '--out <file>': 'write the card to this file',
    },
    examples: ['telegram-backup card | lp', 'telegram-backup card --out recovery-card.txt'],
  }).action((options: CardOptions) =>
    run(async context => {
      const { writeCard } = await import('@telegram-backup/engine/recovery-card/card.ts')
      const { gatherFacts } = await import('@telegram-backup/engine/recovery-card/card-facts.ts')
      const facts = await withCatalog(context, database => gatherFacts(context, database))
      const card = writeCard(facts)
      if (options.out !== undefined) {
        const { writeToFile } = await import('@telegram-backup/engine/restore/output-file.ts')
        await writeToFile(only(Buffer.from(`${card}\n`)), options.out)
      }
      const answer = { ...answerOf(facts), card }
      if (options.out === undefined) context.output.answer(answer, () => card)
      else
        context.output.outcome(
          answer,
          () => `The recovery card is in ${options.out}. Print it. It holds no secret.`,
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
