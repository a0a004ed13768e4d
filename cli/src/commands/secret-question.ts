import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import { type CommandContext, usageError } from '#commands/command.ts'
import { canBeAsked } from '#commands/confirmation.ts'

/**
 * Asks for a secret without showing what is typed. Throws `USAGE` without a terminal, and `CANCELLED` for an
 * empty answer.
 * @param option gives the same answer without a terminal
 */
export async function askSecret(
  { host, output, signal }: CommandContext,
  question: string,
  option: string,
): Promise<string> {
  if (!canBeAsked({ host, output }))
    throw usageError('There is no terminal to ask for the secret', `Give it with ${option} FILE.`)
  host.stderr.write(question)
  // The terminal is in raw mode while the interface is open, so it shows nothing either.
  const nowhere = new Writable({ write: (_text, _encoding, done) => done() })
  const terminal = createInterface({ input: host.stdin, output: nowhere, terminal: true })
  try {
    const secret = (await terminal.question('', { signal })).trim()
    if (secret !== '') return secret
    throw new BackupError('Cancelled; nothing was changed', { code: 'CANCELLED' })
  } finally {
    terminal.close()
    host.stderr.write('\n')
  }
}
