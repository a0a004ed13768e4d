import type { SendPlan } from '@telegram-backup/engine/operations/backup.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry, parseRate } from '@telegram-backup/engine/units/quantities.ts'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import { BackupError } from '@telegram-backup/errors'
import { type CommandContext, withCatalog } from '#commands/command.ts'
import type { SendOptions } from '#commands/send-options.ts'

/** Options that may go with `--resume`: all else is what it was. */
const ALSO_ALLOWED: ReadonlySet<string> = new Set(['resume', 'file', 'limitRate', 'expires', 'json'])

/**
 * What `send --resume ID` has to do: go on with that backup from its file, or send the file anew when it has changed.
 * What its dead run left in doubt is settled first. Throws `USAGE`, `NOT_FOUND`, `CONFLICT`.
 */
export async function readResume(
  context: CommandContext,
  id: string,
  options: SendOptions,
): Promise<SendPlan> {
  const { config, output, signal } = context
  const foreign = Object.keys(options).find(name => options[name] !== undefined && !ALSO_ALLOWED.has(name))
  if (foreign !== undefined) {
    throw new BackupError('--resume goes on with a backup as it was begun', {
      code: 'USAGE',
      hint: 'With it there may be --file, when the file has moved, --expires and --limit-rate.',
    })
  }
  const { planResume } = await import('@telegram-backup/engine/operations/backup.ts')
  const client = await openTelegram(config)
  return await withCatalog(context, async database => {
    const note = (line: string): void => output.note(line)
    const plan = await planResume(
      { config, client, database },
      {
        id,
        path: textOf(options['file']),
        expiresAt: given(textOf(options['expires']), parseExpiry),
        bytesPerSecond: given(textOf(options['limitRate']), parseRate),
      },
      { signal, note },
    )
    note(
      plan.resume
        ? `${count(plan.resume.parts.length, 'part')} of it in the chat already: fetched and compared, then the rest is sent`
        : 'The file has changed, or nothing of it is left in the chat: it is sent anew',
    )
    return plan
  })
}

function textOf(option: unknown): string | undefined {
  return typeof option === 'string' ? option : undefined
}

function given<Result>(text: string | undefined, read: (text: string) => Result): Result | undefined {
  return text === undefined ? undefined : read(text)
}
