import { createInterface } from 'node:readline/promises'
import { BackupError } from '@telegram-backup/errors'
import type { CommandContext } from '#commands/command.ts'

/**
 * Asks whether to go ahead, unless that was agreed to beforehand. Throws `USAGE` where nobody can be asked, and
 * `CANCELLED` for anything but a yes.
 */
export async function confirm(
  { host, output, signal }: CommandContext,
  { isAgreed }: { isAgreed: boolean },
): Promise<void> {
  if (isAgreed) return
  if (!canBeAsked({ host, output })) {
    throw new BackupError('This command asks before it goes on, but there is no terminal to ask on', {
      code: 'USAGE',
      hint: 'Give --yes to go on without the question.',
    })
  }
  const terminal = createInterface({ input: host.stdin, output: host.stderr })
  try {
    const words = await terminal.question('Go ahead? [y/N] ', { signal })
    if (/^y(es)?$/i.test(words.trim())) return
    throw new BackupError('Cancelled; nothing was changed', { code: 'CANCELLED' })
  } finally {
    terminal.close()
  }
}

/** Whether a person sits at both ends: an answer can be typed, and the question seen. */
export function canBeAsked({ host, output }: Pick<CommandContext, 'host' | 'output'>): boolean {
  return host.stdin.isTTY === true && output.stderr.isTTY === true
}
