import { BackupError } from '@telegram-backup/errors'
import { type CommandContext, usageError } from '#commands/command.ts'
import { canBeAsked } from '#commands/confirmation.ts'
import { answerTo } from '#commands/init-questions.ts'

/**
 * Asks for a secret without showing what is typed. Throws `USAGE` without a terminal, and `CANCELLED` for an
 * empty answer.
 * @param option gives the same answer without a terminal
 */
export async function askSecret(context: CommandContext, question: string, option: string): Promise<string> {
  if (!canBeAsked(context))
    throw usageError('There is no terminal to ask for the secret', `Give it with ${option} FILE.`)
  const secret = (await answerTo(context, question, { isSecret: true })).trim()
  if (secret !== '') return secret
  throw new BackupError('Cancelled; nothing was changed', { code: 'CANCELLED' })
}
