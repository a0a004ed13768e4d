import type { Check } from '@telegram-backup/engine/doctor/check.ts'
import { count, formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand } from '#commands/command.ts'

const MARKS: Readonly<Record<Check['state'], string>> = { ok: 'ok', warning: 'warn', failed: 'FAIL' }

/** `doctor`: what works, what does not, and how to fix it. */
export const registerDoctor: RegisterCommand = (program, run) => {
  describeCommand(program.command('doctor'), {
    description:
      'check the token, the chat, the bot’s rights, the keys, the catalog, the programs, and each source and target; for each problem, say how to fix it',
    options: {
      '--fast': 'do not check the sources and targets of telegram-backup.yaml',
    },
    examples: ['telegram-backup doctor', 'telegram-backup doctor --fast'],
  }).action((options: { fast?: boolean; json?: boolean }) =>
    run(async context => {
      const { output, signal } = context
      const { runChecks } = await import('@telegram-backup/engine/doctor/checks.ts')
      const checks = await runChecks(() => context.config, { signal, isFast: options.fast === true })
      const failed = checks.filter(check => check.state === 'failed')
      const isDone = failed.length === 0
      output.outcome({ ok: isDone, checks }, () => describeChecks(checks), { isDone })
      if (isDone) return ExitCode.DONE
      return failed.some(check => check.exitCode === ExitCode.USAGE) ? ExitCode.USAGE : ExitCode.FAILED
    }, options),
  )
}

function describeChecks(checks: readonly Check[]): string {
  const rows = checks.flatMap(check => [
    [MARKS[check.state], check.name, check.message],
    ...(check.hint === undefined ? [] : [['', '', `→ ${check.hint}`]]),
  ])
  const failed = checks.filter(check => check.state === 'failed').length
  return `${formatTable(rows)}\n\n${failed === 0 ? 'Ready to send.' : `${count(failed, 'problem')} to fix before a backup can be sent.`}`
}
