import type { BackupType, Database, RetentionPolicy } from '@telegram-backup/database'
import { describeKeep, keepView } from '@telegram-backup/engine/retention/keep-policy.ts'
import { formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import {
  describeCommand,
  describeGroup,
  type RegisterCommand,
  type RunAction,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import { updateIndexes } from '#commands/refresh-index.ts'
import { type KeepOptions, keepOf, withKeepOptions } from '#commands/schedule-options.ts'

interface Kind {
  project: string
  type: string
  source?: string
  json?: boolean
}

/** `retention`: policies for all backups of a project and type. Policies of schedules apply in addition. */
export const registerRetention: RegisterCommand = (program, run) => {
  const retention = describeGroup(program.command('retention'), {
    description:
      'set rules for which backups of a project and type are kept; "expire" and "serve" apply them',
    examples: [
      'telegram-backup retention set --project shop --type database --keep-daily 7 --keep-weekly 4',
      'telegram-backup retention list --json',
    ],
  })
  registerSet(retention, run)
  registerList(retention, run)
  registerRemove(retention, run)
}

function ofKind(command: Command): Command {
  return command
    .requiredOption('--project <id>', 'the project')
    .requiredOption('--type <type>', 'database, storage or logs')
}

function registerSet(parent: Command, run: RunAction): void {
  describeCommand(withKeepOptions(ofKind(parent.command('set'))), {
    description: 'set the policy of a project and type',
    options: { '--keep-all': 'keep everything' },
    examples: [
      'telegram-backup retention set --project shop --type database --keep-daily 7 --keep-weekly 4 --keep-monthly 12',
      'telegram-backup retention set --project shop --type logs --keep-within 90d --keep-minimum 3',
    ],
  }).action((options: Kind & KeepOptions & { keepAll?: boolean }) =>
    run(async context => {
      const { setRetentionPolicy } = await import('@telegram-backup/database')
      const { parseKeep } = await import('@telegram-backup/engine/retention/parse-keep.ts')
      const rules = keepOf(options)
      if ((rules === undefined) !== (options.keepAll === true)) {
        throw usageError(
          rules === undefined ? 'No rule was given' : '--keep-all cannot be combined with another rule',
          'Give a rule, for example --keep-daily 7, or --keep-all.',
        )
      }
      const keep = parseKeep(rules ?? {})
      const policy = { project_id: options.project, type: options.type as BackupType }
      await withCatalog(context, async database => {
        await setRetentionPolicy(database, { ...policy, keep })
        await updateIndexes(context, database)
      })
      context.output.outcome(
        { ...policy, keep: keepView(keep) },
        () =>
          `${policy.project_id} ${policy.type}: keep ${describeKeep(keep)}. To see what this changes: telegram-backup expire --dry-run`,
      )
      return ExitCode.DONE
    }, options),
  )
}

function registerList(parent: Command, run: RunAction): void {
  describeCommand(parent.command('list'), {
    description: 'list the policies',
    examples: ['telegram-backup retention list'],
  }).action((options: { json?: boolean }) =>
    run(async context => {
      const { listRetentionPolicies, listSourcePolicies } = await import('@telegram-backup/database')
      const policies = await withCatalog(context, async database => [
        ...(await listRetentionPolicies(database)).map(policy => ({ ...policy, source: null })),
        ...(await listSourcePolicies(database)),
      ])
      context.output.answer(
        policies.map(({ project_id, type, source, keep }) => ({
          ...{ project_id, type, source, keep: keepView(keep) },
        })),
        () => describePolicies(policies),
      )
      return ExitCode.DONE
    }, options),
  )
}

function describePolicies(policies: readonly (RetentionPolicy & { source: string | null })[]): string {
  if (policies.length === 0) {
    return 'No policies: each backup stays until it expires (after 30 days, unless --expires says otherwise), or as its schedule says.'
  }
  const rows = policies.map(({ project_id, type, source, keep }) => [
    project_id,
    type,
    source === null ? 'all' : `${source} (of a removed schedule)`,
    describeKeep(keep),
  ])
  return `${formatTable([['PROJECT', 'TYPE', 'SOURCE', 'KEEP'], ...rows])}\n${policies.length === 1 ? '1 policy' : `${policies.length} policies`}`
}

function registerRemove(parent: Command, run: RunAction): void {
  describeCommand(ofKind(parent.command('remove')), {
    description: 'remove the policy of a project and type, or the policy of a source',
    options: {
      '--source <name>': 'remove the policies that belonged to removed schedules of this source',
    },
    examples: [
      'telegram-backup retention remove --project shop --type logs',
      'telegram-backup retention remove --project shop --type database --source shop',
    ],
  }).action((options: Kind) =>
    run(async context => {
      const { project, type, source } = options
      const policy = { project_id: project, type: type as BackupType, source: source ?? null }
      await withCatalog(context, async database => {
        if (!(await removePolicy(database, policy))) throw unknownPolicy(options)
        await updateIndexes(context, database)
      })
      context.output.outcome(
        { success: true, ...policy },
        () =>
          `${[project, type, source].filter(Boolean).join(' ')} has no policy now${source === undefined ? '' : ' except those of its schedules'}. To see what this changes: telegram-backup expire --dry-run`,
      )
      return ExitCode.DONE
    }, options),
  )
}

/** Returns false when there is no such policy. */
async function removePolicy(
  database: Database,
  { source, ...of }: { project_id: string; type: BackupType; source: string | null },
): Promise<boolean> {
  const { listRetentionPolicies, removeSourcePolicies, setRetentionPolicy } = await import(
    '@telegram-backup/database'
  )
  if (source !== null) return (await removeSourcePolicies(database, { ...of, source })) > 0
  const isKnown = (await listRetentionPolicies(database)).some(
    ({ project_id, type }) => project_id === of.project_id && type === of.type,
  )
  if (isKnown) await setRetentionPolicy(database, { ...of, keep: null })
  return isKnown
}

function unknownPolicy({ project, type, source }: Kind): BackupError {
  const of = [JSON.stringify(project.slice(0, 80)), type, source?.slice(0, 80)].filter(Boolean).join(' ')
  return new BackupError(`There is no policy for ${of}`, {
    code: 'NOT_FOUND',
    hint: 'telegram-backup retention list shows them; those of schedules are in telegram-backup schedule list.',
  })
}
