import type { OutsideAllowance } from '@telegram-backup/connectors/directory/unpack/member-rules.ts'
import type { BackupDetails, Database } from '@telegram-backup/database'
import { countMissingFiles, notWholeLines } from '@telegram-backup/engine/backup/missing-files.ts'
import type { PreparedRestore, RestoreWishes } from '@telegram-backup/engine/restore/prepare-restore.ts'
import type { RestoreTarget } from '@telegram-backup/engine/restore/restore-target.ts'
import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { openBackupService, openTelegram } from '@telegram-backup/engine/wiring.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import type { FetchPlan } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import {
  type CommandContext,
  findBackup,
  type RegisterCommand,
  withCatalog,
  withCommonOptions,
} from '#commands/command.ts'
import { confirm } from '#commands/confirmation.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import {
  describeDatabasePlan,
  describeDirectoryPlan,
  describeFetch,
  describeLeftOut,
  describeNewRoles,
} from '#commands/restore-story.ts'

interface RestoreOptions {
  to: string
  yes?: boolean
  overwrite?: boolean
  keepOld?: boolean
  createRoles?: boolean
  allow?: string[]
  links?: string
  json?: boolean
}

/** `restore ID`: a database in one transaction, a directory swapped in whole. */
export const registerRestore: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('restore'), [
    'telegram-backup restore 3f0c2c1e --to postgresql://shop@localhost/shop_restored',
    'telegram-backup restore 3f0c2c1e --to postgresql://shop@localhost/shop --overwrite',
    'telegram-backup restore 8d1b0a42 --to /srv/www --overwrite --yes',
  ])
    .description(
      'restore a backup: a database in one transaction, a directory swapped in whole; until the last part is verified, the target stays as it is',
    )
    .argument('<id>', 'the backup’s id, from "telegram-backup list", or its first eight characters')
    .requiredOption('--to <target>', 'a PostgreSQL URL, a target of telegram-backup.yaml, or a directory')
    .option('--yes', 'do not ask')
    .option('--overwrite', 'replace a target that is not empty, after the restore has succeeded beside it')
    .option('--keep-old', 'keep the replaced database under another name (databases)')
    .option('--create-roles', 'make roles that the server lacks, without a login (databases)')
    .option('--links <how>', 'links that lead out of a directory: skip leaves them out, keep makes them')
    .option(
      '--allow <what...>',
      'devices: bring them back as well; outside-links is --links keep (directories)',
    )
    .action((id: string, options: RestoreOptions) =>
      run(async context => {
        // While the catalog's server starts, there is time to load what is needed next.
        void Promise.all([
          import('@telegram-backup/engine/restore/restore-record.ts'),
          openBackupService(context.config),
        ]).catch(() => {})
        return await withCatalog(context, database => restore(context, { database, id, options }))
      }, options),
    )
}

async function restore(
  context: CommandContext,
  of: { database: Database; id: string; options: RestoreOptions },
): Promise<ExitCode> {
  const { output, config, signal } = context
  const { database, options } = of
  const { prepareRestore } = await import('@telegram-backup/engine/restore/prepare-restore.ts')
  const { planFetch } = await import('@telegram-backup/vault/fetch/fetch-plan.ts')
  const { withOtherPlaces } = await import('@telegram-backup/vault/fetch/part-places.ts')
  const { readIdentities } = await import('@telegram-backup/engine/restore/identities.ts')
  const { chooseTarget } = await import('@telegram-backup/engine/restore/restore-target.ts')
  const { recordRestore } = await import('@telegram-backup/engine/restore/restore-record.ts')
  const backup = await findBackup(database, of.id)
  const client = await openTelegram(config)
  const plan = withOtherPlaces(planFetch(backup), {
    client,
    catalog: async () => database,
    note: text => output.note(`note: ${text}`),
    signal,
  })
  const identities = await readIdentities(config, plan.encrypted)
  const service = await openBackupService(config, client)
  const target = await chooseTarget(options.to, backup, config)
  const prepared = await prepareRestore(target, backup, {
    wishes: wishesFor(target, options),
    config,
    signal,
  })
  for (const line of [...describeFetch(backup, target.kind), ...describePlan(prepared)]) output.note(line)
  await confirm({ isAgreed: options.yes === true, output, signal })
  const startMs = performance.now()
  const progress = fetchProgress(output.progressLine(), plan, backup.size)
  const open = (until: AbortSignal): AsyncIterable<Buffer> =>
    progress.counting(service.fetchBackup({ ...plan, identities, signal: until, onPart: progress.onPart }))
  const restored = await recordRestore(
    database,
    {
      backupId: backup.id,
      target: prepared.target,
      onUntold: () => output.note('warning: the catalog could not be told how the restore ended'),
    },
    async () => ({ facts: await prepared.run(open), bytes: backup.size }),
  ).finally(() => progress.end())
  const seconds = (performance.now() - startMs) / 1000
  answer(context, { backup, plan, prepared, restored, seconds })
  return ExitCode.DONE
}

/** Throws `USAGE` for an option that the target has no use for. */
function wishesFor(target: RestoreTarget, options: RestoreOptions): RestoreWishes {
  if (target.kind === 'postgres' && options.allow !== undefined) throw onlyFor('--allow', 'directories')
  if (target.kind === 'postgres' && options.links !== undefined) throw onlyFor('--links', 'directories')
  if (target.kind === 'directory' && options.keepOld) throw onlyFor('--keep-old', 'databases')
  if (target.kind === 'directory' && options.createRoles) throw onlyFor('--create-roles', 'databases')
  return {
    overwrite: options.overwrite === true,
    keepOld: options.keepOld === true,
    createRoles: options.createRoles === true,
    allow: [...readAllowances(options.allow ?? []), ...readLinks(options.links)],
  }
}

function describePlan(prepared: PreparedRestore): string[] {
  return prepared.kind === 'postgres' ? describeDatabasePlan(prepared.plan) : describeDirectoryPlan(prepared)
}

function readLinks(how: string | undefined): OutsideAllowance[] {
  if (how === undefined) return []
  if (how === 'keep') return ['outside-links']
  if (how === 'skip') return ['no-outside-links']
  throw new BackupError(`--links knows no "${how}"`, { code: 'USAGE', hint: 'Use skip or keep.' })
}

const ALLOWANCES: readonly OutsideAllowance[] = ['outside-links', 'devices']

function readAllowances(given: readonly string[]): OutsideAllowance[] {
  return given
    .flatMap(text => text.split(','))
    .map(name => {
      const known = ALLOWANCES.find(allowance => allowance === name)
      if (known !== undefined) return known
      throw new BackupError(`--allow knows no "${name}"`, {
        code: 'USAGE',
        hint: `Use ${ALLOWANCES.join(' or ')}.`,
      })
    })
}

function onlyFor(option: string, what: string): BackupError {
  return new BackupError(`${option} is only for ${what}`, { code: 'USAGE', hint: 'Leave it out.' })
}

function answer(
  { output }: CommandContext,
  of: {
    backup: BackupDetails
    plan: FetchPlan
    prepared: PreparedRestore
    restored: { facts: Record<string, unknown>; bytes: number; restoreId: string }
    seconds: number
  },
): void {
  const { backup, plan, prepared, restored, seconds } = of
  const { keptOld, ...facts } = restored.facts
  const newRoles = prepared.kind === 'postgres' ? prepared.plan.newRoles : []
  output.answer(
    {
      success: true,
      id: backup.id,
      target: prepared.target,
      bytes: restored.bytes,
      parts: plan.parts.length,
      seconds: Math.round(seconds * 1000) / 1000,
      restore_id: restored.restoreId,
      missing_files: countMissingFiles(backup),
      ...(keptOld === undefined ? {} : { kept_old: keptOld }),
      ...facts,
    },
    () =>
      [
        `${prepared.target} holds backup ${backup.id}: ${formatBytes(restored.bytes)} from ${count(plan.parts.length, 'part')}, all verified, in ${formatSeconds(seconds)}.`,
        ...(typeof keptOld === 'string' ? [`The old database is kept as ${keptOld}.`] : []),
        ...notWholeLines(backup, 'But'),
        ...describeLeftOut(facts),
        ...describeNewRoles(newRoles),
      ].join('\n'),
  )
}
