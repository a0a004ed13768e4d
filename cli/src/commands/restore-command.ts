import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import type { Engine } from '@telegram-backup/engine/engine.ts'
import type { BackupWords } from '@telegram-backup/engine/operations/find-backup.ts'
import type { Restored } from '@telegram-backup/engine/operations/restore.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  withEngine,
} from '#commands/command.ts'
import { confirm, tellBefore } from '#commands/confirmation.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { notWholeLines } from '#commands/not-whole.ts'
import { describeWork } from '#commands/progress-facts.ts'
import { type RestoreOptions, wishesFor } from '#commands/restore-options.ts'
import { OWNER_OPTIONS } from '#commands/restore-owner-options.ts'
import { SELECTION_OPTIONS } from '#commands/restore-selection-options.ts'
import {
  answerPlan,
  describeFetch,
  describeLeftOut,
  describeNewGlobals,
  describeNewRoles,
  describePart,
  describePlan,
  describeRelations,
} from '#commands/restore-story.ts'

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
      '--path <pattern...>':
        'restore only these files and folders of a directory, named from its top; *, ?, […] and ** match names. Into a directory that exists, they are moved in file by file, and all else in it stays',
      '--dry-run':
        'only check everything that a restore checks before it begins, and show what it would do; changes nothing',
      '--yes': 'do not ask first',
      '--overwrite':
        'replace a target that is not empty; the old one is replaced only after the restore has succeeded. With --path: replace files that are there already',
      '--keep-old': 'keep the old database under another name (databases only)',
      '--create-roles': 'create roles that the server lacks, without a login (databases only)',
      '--trust-globals':
        'with the globals of a cluster: also create superusers, roles with other rights that an ordinary role lacks, and tablespaces',
      '--links <how>':
        'symbolic links that lead out of the directory: "skip" leaves them out, "keep" restores them',
      '--allow <what...>':
        '"devices" restores device nodes too; "outside-links" is the same as --links keep (directories only)',
      ...SELECTION_OPTIONS,
      ...OWNER_OPTIONS,
    },
    examples: [
      'telegram-backup restore latest:shop --to postgresql://shop@localhost/shop_restored',
      'telegram-backup restore latest:uploads --before 7d --to /srv/uploads-of-last-week',
      'telegram-backup restore 3f0c2c1e --to postgresql://shop@localhost/shop --overwrite',
      'telegram-backup restore latest --to postgresql://shop@localhost/shop --table sales.customer --as sales.customer_restored',
      'telegram-backup restore latest:shop --to postgresql://test@localhost/shop_test --no-owner --no-acl   # a server without its roles',
      'telegram-backup restore latest:shop --to staging --dry-run',
      'telegram-backup restore 8d1b0a42 --to /srv/www --overwrite --yes',
      'telegram-backup restore latest:etc --to /etc --path nginx "ssl/*.pem" --overwrite   # only these, in place',
      'telegram-backup restore latest:etc --to ./old-etc --path nginx/nginx.conf           # beside, in a new directory',
      'telegram-backup restore group:latest:cluster --to postgresql://postgres@localhost/postgres   # all of a cluster',
    ],
  }).action((id: string, options: RestoreOptions) =>
    run(async context => {
      // Loads the next modules while the server of the catalog starts.
      void import('@telegram-backup/engine/operations/restore.ts').catch(() => {})
      const words = backupWords(id, options)
      const { groupWords } = await import('@telegram-backup/engine/operations/find-group.ts')
      const groupId = groupWords(words.id)
      if (groupId !== undefined) {
        const { runGroupRestore } = await import('#commands/restore-group.ts')
        const of = { options, words: { ...words, id: groupId } }
        return await withEngine(context, engine => runGroupRestore(context, { engine, ...of }))
      }
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
  const { previewRestore, restore } = await import('@telegram-backup/engine/operations/restore.ts')
  const { chooseTarget, foreignWish } = await import('@telegram-backup/engine/restore/restore-target.ts')
  const backup = await findBackup(engine.database, of.words, context)
  const target = await chooseTarget(options.to, backup, config)
  const progress = fetchProgress(output.progressLine())
  let startMs = 0
  const wishes = wishesFor(options, wish => foreignWish(target, wish))
  const request = { backup, target, wishes, paths: options.path }
  if (options.dryRun === true) {
    answerPlan(output, backup, await previewRestore(engine, request, { signal, note }))
    return ExitCode.DONE
  }
  const restored = await restore(engine, request, {
    ...progress,
    signal,
    note,
    onPlan: async prepared => {
      const isAgreed = options.yes === true
      tellBefore(output, [...describeFetch(backup, prepared), ...describePlan(prepared)], { isAgreed })
      await confirm(context, { isAgreed })
      startMs = performance.now()
    },
    onUnrecorded: () => note('warning: the result of the restore could not be recorded in the catalog'),
  }).finally(progress.end)
  answer(context, backup, { restored, seconds: (performance.now() - startMs) / 1000 })
  return ExitCode.DONE
}

function answer(
  { output }: CommandContext,
  backup: BackupDetails,
  { restored, seconds }: { restored: Restored; seconds: number },
): void {
  const { prepared, restoreId, bytes, partCount } = restored
  const { keptOld, ...facts } = restored.facts
  output.outcome(
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
        `${prepared.target} holds ${'relations' in facts ? 'a part of ' : describePart(prepared)}backup ${backup.id}: ${describeWork({ bytes, seconds, items: [partCount, 'part'] })}, all verified.`,
        ...(typeof keptOld === 'string' ? [`The old database is kept as ${keptOld}.`] : []),
        ...notWholeLines(backup, 'But'),
        ...describeLeftOut(facts),
        ...describeNewRoles(facts),
        ...describeNewGlobals(facts),
        ...describeRelations(facts),
      ].join('\n'),
  )
}
