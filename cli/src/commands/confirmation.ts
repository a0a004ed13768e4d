import { BackupError } from '@telegram-backup/errors'
import { type CommandContext, usageError } from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import { answerTo, canBeAsked } from '#commands/terminal-question.ts'

/**
 * Asks whether to go on, unless the user agreed beforehand. Throws `USAGE` without a terminal, and
 * `CANCELLED` for any answer but yes.
 */
export async function confirm(
  { host, output, signal }: CommandContext,
  { isAgreed }: { isAgreed: boolean },
): Promise<void> {
  if (isAgreed) return
  if (!canBeAsked({ host, output })) {
    throw usageError(
      'This command needs a confirmation, but there is no terminal for the question',
      'Give --yes to confirm.',
    )
  }
  const answer = await answerTo({ host, signal }, 'Go ahead? [y/N] ')
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new BackupError('Cancelled; nothing was changed', { code: 'CANCELLED' })
}

/** Says what a question is about: when it is asked, even a quiet command says it. */
export function tellBefore(
  output: Output,
  lines: readonly string[],
  { isAgreed }: { isAgreed: boolean },
): void {
  for (const line of lines) {
    if (isAgreed) output.note(line)
    else output.insist(line)
  }
}
