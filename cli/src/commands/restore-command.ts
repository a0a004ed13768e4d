import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import type { Engine } from '@telegram-backup/engine/engine.ts'
import type { BackupWords } from '@telegram-backup/engine/operations/find-backup.ts'
import type { Restored } from '@telegram-backup/engine/operations/restore.ts'
import type { OutsideAllowance, RestoreWishes } from '@telegram-backup/engine/restore/ask-for-plan.ts'
import type { RestoreWish } from '@telegram-backup/engine/restore/restore-target.ts'
import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  usageError,
  withEngine,
} from '#commands/command.ts'
import { confirm } from '#commands/confirmation.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { notWholeLines } from '#commands/not-whole.ts'
import { describeFetch, describeLeftOut, describeNewRoles, describePlan } from '#commands/restore-story.ts'

interface RestoreOptions extends BackupIdOptions {
  to: string
  yes?: boolean
  overwrite?: boolean
  keepOld?: boolean
  createRoles?: boolean
  allow?: string[]
  links?: string
  json?: boolean
}

/** `restore ID`: restores a database in one transaction, or replaces a directory at once. */
export const registerRestore: RegisterCommand = (program, run) => {
  const command = program
    .command('restore')
    .requiredOption('--to <target>', 'a PostgreSQL URL, a target of telegram-backup.yaml, or a directory')
  describeCommand(command, {
    description:
      'restore a backup into a database or a directory. The target does not change until the last part is verified; then it changes all at once',
    argument: BACKUP_ID,
    options: {
      '--yes': 'do not ask first',
      '--overwrite':
        'replace a target that is not empty; the old one is replaced only after the restore has succeeded',
      '--keep-old': 'keep the old database under another name (databases only)',
      '--create-roles': 'create roles that the server lacks, without a login (databases only)',
      '--links <how>':
        'symbolic links that lead out of the directory: "skip" leaves them out, "keep" restores them',
      '--allow <what...>':
        '"devices" restores device nodes too; "outside-links" is the same as --links keep (directories only)',
    },
    examples: [
      'telegram-backup restore latest:shop --to postgresql://shop@localhost/shop_restored',
      'telegram-backup restore latest:uploads --before 7d --to /srv/uploads-of-last-week',
      'telegram-backup restore 3f0c2c1e --to postgresql://shop@localhost/shop --overwrite',
      'telegram-backup restore 8d1b0a42 --to /srv/www --overwrite --yes',
    ],
  }).action((id: string, options: RestoreOptions) =>
    run(async context => {
      // Loads the next modules while the server of the catalog starts.
      void import('@telegram-backup/engine/operations/restore.ts').catch(() => {})
      const words = backupWords(id, options)
      return await withEngine(context, engine => runRestore(context, { engine, words, options }))
    }, options),
  )
}

async function runRestore(
  context: CommandContext,
  of: { engine: Engine; words: BackupWords; options: RestoreOptions },
): Promise<ExitCode> {
  const { output, config, signal, note } = context
  const { engine, options } = of
  const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
  const { restore } = await import('@telegram-backup/engine/operations/restore.ts')
  const { chooseTarget, foreignWish } = await import('@telegram-backup/engine/restore/restore-target.ts')
  const backup = await findBackup(engine.database, of.words, context)
  const target = await chooseTarget(options.to, backup, config)
  const progress = fetchProgress(output.progressLine())
  let startMs = 0
  const wishes = wishesFor(options, wish => foreignWish(target, wish))
  const request = { backup, target, wishes }
  const restored = await restore(engine, request, {
    ...progress,
    signal,
    note,
    onPlan: async prepared => {
      for (const line of [...describeFetch(backup, prepared), ...describePlan(prepared)]) note(line)
      await confirm(context, { isAgreed: options.yes === true })
      startMs = performance.now()
    },
    onUnrecorded: () => note('warning: the result of the restore could not be recorded in the catalog'),
  }).finally(progress.end)
  answer(context, backup, { restored, seconds: (performance.now() - startMs) / 1000 })
  return ExitCode.DONE
}

/** The wish behind each option that only some targets support. */
const WISHES: ReadonlyArray<[keyof RestoreOptions, string, RestoreWish]> = [
  ['allow', '--allow', 'allow'],
  ['links', '--links', 'allow'],
  ['keepOld', '--keep-old', 'keepOld'],
  ['createRoles', '--create-roles', 'createRoles'],
]
const PLURALS = { database: 'databases', directory: 'directories' }

/** Throws `USAGE` for an option that the target does not support. */
function wishesFor(
  options: RestoreOptions,
  isForeign: (wish: RestoreWish) => keyof typeof PLURALS | undefined,
): RestoreWishes {
  for (const [name, option, wish] of WISHES) {
    const makes = options[name] === undefined ? undefined : isForeign(wish)
    if (makes === undefined) continue
    throw usageError(`${option} is only for ${PLURALS[makes]}`, 'Leave it out.')
  }
  return {
    overwrite: options.overwrite === true,
    keepOld: options.keepOld === true,
    createRoles: options.createRoles === true,
    allow: [...readAllowances(options.allow ?? []), ...readLinks(options.links)],
  }
}

function readLinks(how: string | undefined): OutsideAllowance[] {
  if (how === undefined) return []
  if (how === 'keep') return ['outside-links']
  if (how === 'skip') return ['no-outside-links']
  throw usageError(`--links does not know "${how}"`, 'Use skip or keep.')
}

const ALLOWANCES: readonly OutsideAllowance[] = ['outside-links', 'devices']

function readAllowances(given: readonly string[]): OutsideAllowance[] {
  return given
    .flatMap(text => text.split(','))
    .map(name => {
      const known = ALLOWANCES.find(allowance => allowance === name)
      if (known !== undefined) return known
      throw usageError(`--allow does not know "${name}"`, `Use ${ALLOWANCES.join(' or ')}.`)
    })
}

function answer(
  { output }: CommandContext,
  backup: BackupDetails,
  { restored, seconds }: { restored: Restored; seconds: number },
): void {
  const { prepared, restoreId, bytes, partCount } = restored
  const { keptOld, ...facts } = restored.facts
  output.answer(
    {
      success: true,
      id: backup.id,
      target: prepared.target,
      bytes,
      parts: partCount,
      seconds: Math.round(seconds * 1000) / 1000,
      restore_id: restoreId,
      missing_files: countMissingFiles(backup),
      ...(keptOld === undefined ? {} : { kept_old: keptOld }),
      ...facts,
    },
    () =>
      [
        `${prepared.target} holds backup ${backup.id}: ${formatBytes(bytes)} from ${count(partCount, 'part')}, all verified, in ${formatSeconds(seconds)}.`,
        ...(typeof keptOld === 'string' ? [`The old database is kept as ${keptOld}.`] : []),
        ...notWholeLines(backup, 'But'),
        ...describeLeftOut(facts),
        ...describeNewRoles(facts),
      ].join('\n'),
  )
}
