import { lookAtFile } from '@telegram-backup/connectors/stream/file-path.ts'
import type { SendPlan } from '@telegram-backup/engine/backup/send-plan.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry, parseRate } from '@telegram-backup/engine/units/quantities.ts'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import { BackupError } from '@telegram-backup/errors'
import { type CommandContext, findBackup, withCatalog } from '#commands/command.ts'
import type { SendOptions } from '#commands/send-options.ts'

/** Options that may go with `--resume`: all else is what it was. */
const ALSO_ALLOWED: ReadonlySet<string> = new Set(['resume', 'file', 'limitRate', 'expires', 'json'])

/**
 * What `send --resume ID` has to do: go on with that backup from its file, or send the file anew when it has changed.
 * What its dead run left in doubt is settled first. Throws `USAGE`, `NOT_FOUND`, `CONFLICT`.
 */
export async function planResume(
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
  const { resumeSend } = await import('@telegram-backup/vault/reconcile/resume-send.ts')
  const { openSettling } = await import('@telegram-backup/vault/session/open-session.ts')
  const { settleQuietly } = await import('@telegram-backup/vault/reconcile/before-send.ts')
  const client = await openTelegram(config)
  return withCatalog(context, async database => {
    const { id: backupId } = await findBackup(database, id)
    const note = (line: string): void => output.note(line)
    await settleQuietly({ database, client, config, signal, note, resuming: backupId })
    const backup = await findBackup(database, backupId)
    const { source, chat_id: chat, caption } = backup
    if (backup.state !== 'failed' || source?.['kind'] !== 'file') throw nothingToResume(backup)
    const path = typeof options['file'] === 'string' ? options['file'] : String(source['path'])
    const settling = await openSettling({ database, client, config, signal })
    const resume = await resumeSend(settling, backup, await lookAtFile(path))
    output.note(
      resume
        ? `${count(resume.parts.length, 'part')} of it in the chat already: fetched and compared, then the rest is sent`
        : 'The file has changed, or nothing of it is left in the chat: it is sent anew',
    )
    return {
      project: backup.project_id,
      type: backup.type,
      source: { kind: 'file', path },
      filename: typeof source['filename'] === 'string' ? source['filename'] : undefined,
      caption: caption ?? undefined,
      chat: chat ?? undefined,
      expiresAt: typeof options['expires'] === 'string' ? parseExpiry(options['expires']) : backup.expires_at,
      bytesPerSecond: typeof options['limitRate'] === 'string' ? parseRate(options['limitRate']) : undefined,
      ...(resume ? { resume } : {}),
    }
  })
}

function nothingToResume({ id, state, source }: { id: string; state: string; source: unknown }): BackupError {
  const why = state === 'failed' ? 'only a file can be read again from its beginning' : `it is ${state}`
  return new BackupError(`Backup ${id} cannot go on: ${why}`, {
    code: state === 'sending' ? 'CONFLICT' : 'USAGE',
    hint:
      state === 'failed' && source !== null
        ? 'Send it anew.'
        : 'telegram-backup show ID tells what became of it.',
  })
}
