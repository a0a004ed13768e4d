import { createInterface } from 'node:readline/promises'
import { BackupError } from '@telegram-backup/errors'
import type { Output } from '#commands/output.ts'

/**
 * Asks whether to go ahead, unless that was agreed to beforehand. Throws `USAGE` where nobody can be asked, and
 * `CANCELLED` for anything but a yes.
 */
export async function confirm(options: {
  isAgreed: boolean
  output: Output
  signal: AbortSignal
}): Promise<void> {
  const { isAgreed, output, signal } = options
  if (isAgreed) return
  if (!process.stdin.isTTY || !output.stderr.isTTY) {
    throw new BackupError('Nobody can be asked whether to go ahead', {
      code: 'USAGE',
      hint: 'Give --yes to go ahead without being asked.',
    })
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const words = await terminal.question('Go ahead? [y/N] ', { signal })
    if (/^y(es)?$/i.test(words.trim())) return
    throw new BackupError('Nothing was done', { code: 'CANCELLED' })
  } finally {
    terminal.close()
  }
}
