import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import { BackupError, describeError, ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand } from '#commands/command.ts'

/** One channel for notifications, and the result of its test. */
interface Trial {
  channel: 'chat' | 'webhook' | 'heartbeat'
  ok: boolean
  error?: { code: string; message: string; hint?: string }
}

/**
 * `notify-test`: sends a test through every configured channel, so that a person can see whether it arrives.
 */
export const registerNotifyTest: RegisterCommand = (program, run) => {
  describeCommand(program.command('notify-test'), {
    description: 'send a test message to each receiver that telegram-backup.yaml names under "notifications"',
    examples: ['telegram-backup notify-test'],
  }).action((options: { json?: boolean }) =>
    run(async ({ config, output, signal }) => {
      const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
      const { openChannels } = await import('@telegram-backup/engine/monitoring/channels.ts')
      const { callUrl } = await import('@telegram-backup/engine/monitoring/http-call.ts')
      const { testNotice } = await import('@telegram-backup/engine/monitoring/wording.ts')
      const settings = (await readConfigFile(config)).notifications()
      const texts = settings.chat === null ? undefined : await openTelegram(config)
      const channels = openChannels(settings, { texts, vaultChatId: config.chatId })
      const notice = { id: randomUUID(), ...testNotice(hostname(), new Date()) }
      const { heartbeat } = settings
      const sending = channels.names.map(name =>
        tryOut(name, () => channels.deliver(name, notice, { signal })),
      )
      if (heartbeat !== null) sending.push(tryOut('heartbeat', () => callUrl(heartbeat, { signal })))
      if (sending.length === 0) {
        throw new BackupError('No receiver of notifications is configured', {
          code: 'CONFIGURATION',
          hint: 'Set notifications.chat, notifications.webhook or notifications.heartbeat in telegram-backup.yaml.',
        })
      }
      const trials = await Promise.all(sending)
      const isDone = trials.every(({ ok }) => ok)
      output.outcome({ trials }, () => describeTrials(trials), { isDone })
      if (isDone) return ExitCode.DONE
      return trials.some(({ ok }) => ok) ? ExitCode.PARTIAL : ExitCode.FAILED
    }, options),
  )
}

async function tryOut(channel: Trial['channel'], send: () => Promise<void>): Promise<Trial> {
  try {
    await send()
    return { channel, ok: true }
  } catch (error) {
    return { channel, ok: false, error: describeError(error) }
  }
}

function describeTrials(trials: readonly Trial[]): string {
  return formatTable(
    trials.map(({ channel, ok, error }) => [
      ok ? 'sent' : 'FAIL',
      channel,
      ok ? 'check that it arrived' : `${error?.message}${error?.hint ? ` → ${error.hint}` : ''}`,
    ]),
  )
}
