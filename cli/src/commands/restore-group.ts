import type { Engine } from '@telegram-backup/engine/engine.ts'
import type { BackupWords } from '@telegram-backup/engine/operations/find-backup.ts'
import type { RestoredGroup } from '@telegram-backup/engine/operations/restore-group.ts'
import { count, formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { describeError, ExitCode, exitCodeFor, hideSecrets } from '@telegram-backup/errors'
import { type CommandContext, usageError } from '#commands/command.ts'
import { confirm, tellBefore } from '#commands/confirmation.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { type RestoreOptions, wishesFor } from '#commands/restore-options.ts'
import { describeFetch, describeNewGlobals, describePlan } from '#commands/restore-story.ts'

/** `restore group:ID`: all backups of a run over a cluster, one by one. */
export async function runGroupRestore(
  context: CommandContext,
  of: { engine: Engine; words: BackupWords; options: RestoreOptions },
): Promise<ExitCode> {
  const { output, config, signal, note } = context
  const { engine, options } = of
  const { findBackupGroup } = await import('@telegram-backup/engine/operations/find-group.ts')
  const { restoreGroup } = await import('@telegram-backup/engine/operations/restore-group.ts')
  const { foreignWish, readTarget } = await import('@telegram-backup/engine/restore/restore-target.ts')
  for (const [name, option] of OF_ONE_BACKUP) {
    if (options[name] === undefined) continue
    throw usageError(`${option} is only for one backup, not for a group`, 'Leave it out, or name one backup.')
  }
  const group = await findBackupGroup(engine.database, of.words, context)
  const server = await readTarget(options.to, config, { mayBeDirectory: false })
  const wishes = wishesFor(options, wish =>
    ['trustGlobals', 'owners'].includes(wish) ? undefined : foreignWish(server, wish),
  )
  const progress = fetchProgress(output.progressLine())
  const restored = await restoreGroup(
    engine,
    { group, server, wishes },
    {
      ...progress,
      signal,
      note,
      onMember: (member, { number, of: all }) => note(`${number} of ${all}: ${shownName(member)}`),
      onPlan: async (prepared, backup) => {
        const isAgreed = options.yes === true
        tellBefore(output, [...describeFetch(backup, prepared), ...describePlan(prepared)], { isAgreed })
        await confirm(context, { isAgreed })
      },
      onUnrecorded: () => note('warning: the result of the restore could not be recorded in the catalog'),
    },
  ).finally(progress.end)
  return answer(context, group.id, restored)
}

const OF_ONE_BACKUP: ReadonlyArray<[keyof RestoreOptions, string]> = [
  ['dryRun', '--dry-run'],
  ['path', '--path'],
  ['table', '--table'],
  ['as', '--as'],
  ['schema', '--schema'],
  ['schemaOnly', '--schema-only'],
  ['dataOnly', '--data-only'],
]

function answer({ output }: CommandContext, groupId: string, { members, missing }: RestoredGroup): ExitCode {
  const failed = members.filter(({ restored }) => restored === undefined)
  output.answer(
    {
      success: failed.length === 0 && missing === 0,
      group_id: groupId,
      missing,
      members: members.map(({ member, backupId: id, restored, error }) => {
        if (restored === undefined) {
          const { message, code, hint } = describeError(error)
          return { member, id, success: false, error: hideSecrets(message), code, hint }
        }
        const { prepared, bytes, restoreId, facts } = restored
        return { member, id, success: true, target: prepared.target, bytes, restore_id: restoreId, ...facts }
      }),
    },
    () =>
      [
        `${members.length - failed.length} of ${count(members.length, 'backup')} of group ${groupId} restored, all verified.`,
        ...members.flatMap(({ restored }) =>
          restored === undefined
            ? []
            : [
                `  ${restored.prepared.target}  ${formatBytes(restored.bytes)}`,
                ...describeNewGlobals(restored.facts).map(line => `  ${line}`),
              ],
        ),
      ].join('\n'),
  )
  for (const { member, error } of failed) {
    const { message, hint } = describeError(error)
    output.reason(`${shownName(member)} is not restored: ${message}`, hint)
  }
  if (missing > 0) {
    output.note(
      `warning: the run had ${count(missing, 'more member')}, without a backup that can be restored`,
    )
  }
  if (failed.length === 0) return missing === 0 ? ExitCode.DONE : ExitCode.PARTIAL
  return failed.length < members.length ? ExitCode.PARTIAL : exitCodeFor(describeError(failed[0]?.error).code)
}
