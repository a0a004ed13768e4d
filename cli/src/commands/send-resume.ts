import type { SendPlan } from '@telegram-backup/engine/operations/backup.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry, parseRate } from '@telegram-backup/engine/units/quantities.ts'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import { callLog } from '#commands/call-log.ts'
import { type CommandContext, ownOptions, usageError, withCatalog } from '#commands/command.ts'
import type { SendOptions } from '#commands/send-options.ts'

/** Options that `--resume` allows; all others stay as they were at the first send. */
const ALSO_ALLOWED: ReadonlySet<string> = new Set(['resume', 'file', 'limitRate', 'expires'])

/**
 * Plans `send --resume ID`: continues that backup from its file, or starts again if the file has changed.
 * What the killed run left unclear is reconciled first. Throws `USAGE`, `NOT_FOUND`, `CONFLICT`.
 */
export async function readResume(
  context: CommandContext,
  id: string,
  options: SendOptions,
): Promise<SendPlan> {
  const { config, signal, note } = context
  const own = ownOptions(options)
  const foreign = Object.keys(own).find(name => own[name] !== undefined && !ALSO_ALLOWED.has(name))
  if (foreign !== undefined) {
    throw usageError(
      '--resume continues a backup with its first options',
      'With --resume, only --file (if the file has moved), --expires and --limit-rate are allowed.',
    )
  }
  const { planResume } = await import('@telegram-backup/engine/operations/backup.ts')
  const client = await openTelegram(config, callLog(context.output))
  return await withCatalog(context, async database => {
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
        ? `${count(plan.resume.parts.length, 'part')} already in the chat: fetching and comparing, then sending the rest`
        : 'The file has changed, or no part of it is left in the chat: sending it from the start',
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
