import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import { type CommandContext, usageError } from '#commands/command.ts'

/** Whether a person can see the question and type an answer. */
export function canBeAsked({ host, output }: Pick<CommandContext, 'host' | 'output'>): boolean {
  return host.stdin.isTTY === true && output.stderr.isTTY === true
}

/** Asks one question. Throws `CANCELLED` at Ctrl-C and Ctrl-D, and when the terminal is closed. */
export async function answerTo(
  { host, signal }: Pick<CommandContext, 'host' | 'signal'>,
  question: string,
  { isSecret = false }: { isSecret?: boolean } = {},
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const output = isSecret ? nowhere : host.stderr
  if (isSecret) host.stderr.write(question)
  const terminal = createInterface({ input: host.stdin, output, terminal: true, historySize: 0 })
  const closed = Promise.withResolvers<never>()
  // The terminal is in raw mode, so that Ctrl-C is no signal.
  terminal.on('SIGINT', () => host.kill(host.pid, 'SIGINT'))
  terminal.on('close', () => closed.reject(cancelled()))
  try {
    return await Promise.race([terminal.question(isSecret ? '' : question, { signal }), closed.promise])
  } catch (error) {
    throw (error as Error).name === 'AbortError' ? cancelled() : error
  } finally {
    closed.promise.catch(() => {})
    terminal.close()
    if (isSecret) host.stderr.write('\n')
  }
}

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

function cancelled(): BackupError {
  return new BackupError('Cancelled', { code: 'CANCELLED' })
}
