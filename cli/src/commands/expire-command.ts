import { countMissingFiles, shownId, stateWords } from '@telegram-backup/database/missing-files'
import type { RetentionPlan, SessionReport } from '@telegram-backup/engine/operations/expire.ts'
import { count, formatTime, NONE } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  withCatalog,
  withEngine,
} from '#commands/command.ts'
import { confirm } from '#commands/confirmation.ts'
import type { Output } from '#commands/output.ts'
import { formatDuration } from '#commands/progress-facts.ts'
import { runProgress, secondsSince } from '#commands/run-progress.ts'
import { shownState } from '#commands/shown-state.ts'
import { canBeAsked } from '#commands/terminal-question.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, plain, type Text } from '#commands/terminal-text.ts'

interface ExpireOptions {
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** `expire`: erases the backups that retention no longer keeps. */
export const registerExpire: RegisterCommand = (program, run) => {
  describeCommand(program.command('expire'), {
    takesLocks: true,
    description:
      'erase backups that no policy keeps, expired backups without a policy, and backups marked for erasure; the last good backup of each project and type always stays',
    options: {
      '--dry-run': 'only show what would happen to each backup, and why',
      '--yes': 'confirm the removal of more than half of a source’s backups at once',
    },
    examples: ['telegram-backup expire --dry-run', 'telegram-backup expire'],
  }).action((options: ExpireOptions) => run(context => runExpire(context, options), options))
}

async function runExpire(context: CommandContext, options: ExpireOptions): Promise<ExitCode> {
  const { output, signal, note } = context
  const { expire, planRetention } = await import('@telegram-backup/engine/operations/expire.ts')
  if (options.dryRun === true) {
    return await withCatalog(context, async database => {
      const plan = await planRetention(database)
      output.answer({ dry_run: true, decisions: plan.map(decisionView) }, () => describePlan(plan, output))
      return ExitCode.DONE
    })
  }
  return await withEngine(context, async engine => {
    const line = output.progressLine()
    let startMs = performance.now()
    const { plan, report, isDone } = await expire(engine, {
      signal,
      note,
      onProgress: runProgress(line, engine.client),
      agree: async inDoubt => {
        const isAgreed = options.yes === true || (await isAgreedTo(context, inDoubt))
        startMs = performance.now()
        return isAgreed
      },
    }).finally(() => line.end())
    const took = formatDuration(secondsSince(startMs))
    const answer = { decisions: plan.map(decisionView), ...report }
    output.outcome(answer, () => describeOutcome(report, plan, took), { isDone })
    return isDone ? ExitCode.DONE : ExitCode.PARTIAL
  })
}

/** Asks on a terminal. Without a terminal these backups stay, and the exit code says so. */
async function isAgreedTo(context: CommandContext, inDoubt: RetentionPlan): Promise<boolean> {
  const { output } = context
  if (!canBeAsked(context)) return false
  output.insist(plain(describePlan(inDoubt, output)))
  output.insist(`${count(inDoubt.length, 'backup')} would be removed at once.`)
  await confirm(context, { isAgreed: false })
  return true
}

function decisionView({ backup, decision, reason }: RetentionPlan[number]): object {
  const { id, project_id, type, source_name: source } = backup
  return { id, project_id, type, source, decision, reason, missing_files: countMissingFiles(backup) }
}

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'PROJECT', least: 7 },
  { heading: 'TYPE', leavesAs: 1 },
  { heading: 'SOURCE', least: 8 },
  { heading: 'STATE', leavesAs: 2 },
  { heading: 'CREATED' },
  { heading: 'DECISION' },
  { heading: 'REASON', least: 20 },
]

function describePlan(plan: RetentionPlan, output: Output): Text {
  if (plan.length === 0) return 'There are no backups.'
  const rows = plan.map(({ backup, decision, reason }) => [
    backup.id,
    backup.project_id,
    backup.type,
    backup.source_name ?? NONE,
    shownState(stateWords(backup)),
    formatTime(backup.created_at),
    shownState(decision),
    reason,
  ])
  const number = (which: string): number => plan.filter(({ decision }) => decision === which).length
  return linesOf([
    output.table(COLUMNS, rows),
    `${number('erase')} to erase, ${number('held')} held, ${number('keep')} kept`,
  ])
}

function describeOutcome(report: SessionReport, plan: RetentionPlan, took: string): string {
  const ids = new Map(plan.map(({ backup }) => [backup.id, shownId(backup)]))
  const shown = (id = ''): string => ids.get(id) ?? id
  return [
    ...report.erased_backups.map(
      ({ backup_id, by_another_process }) =>
        `erased    backup ${shown(backup_id)}${by_another_process ? ', by another process' : ''}`,
    ),
    ...report.kept.map(({ backup_id, reason }) => `kept      backup ${shown(backup_id)}: ${reason}`),
    ...report.pending.map(({ backup_id, reason }) => `PENDING   backup ${shown(backup_id)}: ${reason}`),
    ...report.indexes_left.map(({ chat_id, reason }) => `index     of chat ${chat_id}: ${reason}`),
    `${count(report.erased_backups.length, 'backup')} erased, in ${took}.`,
  ].join('\n')
}
