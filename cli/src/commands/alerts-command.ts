import type { AlertView } from '@telegram-backup/engine/monitoring/alert-view.ts'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { parseSpanMs } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import {
  describeCommand,
  describeGroup,
  oneById,
  type RegisterCommand,
  type RunAction,
  wholeNumber,
  withCatalog,
} from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

interface ListOptions {
  all?: boolean
  project?: string
  limit: string
  json?: boolean
}

/** Also the number of alerts that are searched for the beginning of an id. */
const MOST_LISTED = 1_000

/** `alerts`: what is wrong now, and what was. */
export const registerAlerts: RegisterCommand = (program, run) => {
  const alerts = describeGroup(program.command('alerts'), {
    description: 'list the problems that a running "telegram-backup serve" has found, and mute their notices',
    examples: [
      'telegram-backup alerts',
      'telegram-backup alerts --all --json',
      'telegram-backup alerts mute 3f0c2c1e 2h',
    ],
  })
  registerAlertList(alerts, run)
  registerMute(alerts, run)
}

function registerAlertList(parent: Command, run: RunAction): void {
  describeCommand(parent.command('list', { isDefault: true }), {
    description: 'list the open alerts, newest first',
    options: {
      '--all': 'also alerts that have ended; they are kept for 400 days',
      '--project <id>': 'only alerts of this project',
      '--limit <number>': ['list at most this many alerts', '50'],
    },
    examples: ['telegram-backup alerts', 'telegram-backup alerts --all --project shop'],
  }).action((options: ListOptions) =>
    run(async context => {
      const { listAlerts } = await import('@telegram-backup/database')
      const { alertView } = await import('@telegram-backup/engine/monitoring/alert-view.ts')
      const filter = {
        state: options.all === true ? ('all' as const) : ('open' as const),
        projectId: options.project,
        limit: wholeNumber('--limit', options.limit, { from: 1, to: MOST_LISTED }),
      }
      const found = await withCatalog(context, database => listAlerts(database, filter))
      const alerts = found.map(alert => alertView(alert, { showPlaces: true }))
      context.output.answer(alerts, () => describeAlerts(alerts, context.output, filter.state))
      return ExitCode.DONE
    }, options),
  )
}

function registerMute(parent: Command, run: RunAction): void {
  describeCommand(parent.command('mute'), {
    description:
      'send no notices about an open alert for some time. Its end is announced all the same; a problem that comes back within that time is announced after it, if it still holds',
    argument: ['<id>', 'the alert’s id, or its first eight characters'],
    examples: ['telegram-backup alerts mute 3f0c2c1e 2h', 'telegram-backup alerts mute 3f0c2c1e 0'],
  })
    .argument('<time>', 'how long: 30m, 2h or 7d; 30d at most; 0 ends the mute')
    .action((typed: string, time: string, options: { json?: boolean }) =>
      run(async context => {
        const { getAlert, openAlerts } = await import('@telegram-backup/database')
        const { mute } = await import('@telegram-backup/engine/operations/alerts.ts')
        const { alertView } = await import('@telegram-backup/engine/monitoring/alert-view.ts')
        const minutes = Math.ceil(parseSpanMs(time) / 60_000)
        const muted = await withCatalog(context, async database => {
          const { id } =
            (await getAlert(database, typed.trim())) ?? oneById(await openAlerts(database), typed, ALERTS)
          return await mute(database, { id, minutes })
        })
        const alert = alertView(muted, { showPlaces: true })
        context.output.outcome(alert, () =>
          alert.muted_until === null
            ? `The alert is not muted: ${alert.text}`
            : `Muted until ${formatTime(alert.muted_until)}: ${alert.text}`,
        )
        return ExitCode.DONE
      }, options),
    )
}

const ALERTS = { noun: 'alert', list: 'alerts' }

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'STATE' },
  { heading: 'SINCE' },
  { heading: 'PROBLEM', least: 30 },
]

function describeAlerts(alerts: readonly AlertView[], output: Output, state: 'open' | 'all'): Text {
  if (alerts.length === 0) {
    return state === 'open'
      ? 'No open alerts. They are found while "telegram-backup serve" runs; "telegram-backup status" looks now.'
      : 'No alerts.'
  }
  const rows = alerts.map(alert => [
    alert.id,
    shownState(stateOf(alert)),
    formatTime(alert.since),
    alert.text,
  ])
  return linesOf([output.table(COLUMNS, rows), count(alerts.length, 'alert')])
}

function stateOf({ state, ended_at, muted_until }: AlertView): string {
  if (ended_at !== null) return `ended ${formatTime(ended_at)}`
  return muted_until === null ? state : `muted until ${formatTime(muted_until)}`
}
