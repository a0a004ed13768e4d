import type { Comparison, MemberChange } from '@telegram-backup/engine/operations/members.ts'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { escapeName } from '@telegram-backup/engine/units/names.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  withEngine,
} from '#commands/command.ts'
import { memberJson, modeText, type ShownMember, sizeOrKind } from '#commands/member-words.ts'

/** `diff A B`: what changed between two backups of a directory. */
export const registerDiff: RegisterCommand = (program, run) => {
  const command = describeCommand(program.command('diff'), {
    description:
      'compare two directory backups by their lists of files: size, SHA-256 of the contents, mode, owner and time. Nothing else is fetched',
    argument: BACKUP_ID,
    examples: [
      'telegram-backup diff 8d1b0a42 latest:etc',
      'telegram-backup diff latest:etc latest:etc --before 7d    # the first one is a week older',
    ],
  })
  command
    .argument('<other>', 'the later backup, named in the same way; --before counts for the first one')
    .action((first: string, second: string, options: BackupIdOptions & { json?: boolean }) =>
      run(async context => {
        const found = await compare(context, [first, second], options)
        if (!found.comparedAttributes)
          context.note('note: one of the lists has no modes, owners and times: only kinds and sizes count')
        if (found.notCompared > 0)
          context.note(
            `note: the contents of ${count(found.notCompared, 'file')} of equal size were not compared: a list has no SHA-256 of them`,
          )
        context.output.answer(found.changes.map(changeJson), () => describeChanges(found))
        return ExitCode.DONE
      }, options),
    )
}

async function compare(
  context: CommandContext,
  [first, second]: readonly [string, string],
  options: BackupIdOptions,
): Promise<Comparison> {
  const { signal, note } = context
  return await withEngine(context, async engine => {
    const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
    const { compareMembers } = await import('@telegram-backup/engine/operations/members.ts')
    const backups = [
      await findBackup(engine.database, backupWords(first, options), context),
      await findBackup(engine.database, second, context),
    ] as const
    const of = { ...engine, catalog: async () => engine.database, signal, note }
    return await compareMembers(backups, of)
  })
}

function changeJson({ change, member, before, differs }: MemberChange): Record<string, unknown> {
  return {
    ...memberJson(member),
    change,
    ...(before === undefined ? {} : { differs, before: memberJson(before) }),
  }
}

const SIGNS: Readonly<Record<MemberChange['change'], string>> = { added: '+', removed: '-', changed: 'M' }

function describeChanges({ changes, unchanged }: Comparison): string {
  const numberOf = (change: MemberChange['change']): number =>
    changes.filter(one => one.change === change).length
  return [
    ...changes.map(describeChange),
    `${count(numberOf('added'), 'member')} added, ${numberOf('removed')} removed, ${numberOf('changed')} changed, ${unchanged} unchanged`,
  ].join('\n')
}

function describeChange({ change, member, before, differs = [] }: MemberChange): string {
  const line = `${SIGNS[change]}  ${escapeName(member.path)}`
  if (before === undefined) return `${line}  (${sizeOrKind(member)})`
  const words = differs.map(what => `${WORDS[what](before)} -> ${WORDS[what](member)}`)
  return `${line}  (${words.join(', ')})`
}

const WORDS: Readonly<Record<NonNullable<MemberChange['differs']>[number], (of: ShownMember) => string>> = {
  kind: ({ kind }) => kind,
  size: sizeOrKind,
  contents: ({ sha256 }) => `SHA-256 ${sha256?.slice(0, 12)}…`,
  mode: ({ kind, attributes }) => modeText(kind, attributes?.mode ?? 0),
  owner: ({ attributes }) => escapeName(`${attributes?.owner}:${attributes?.group}`),
  modified_at: ({ attributes }) =>
    typeof attributes?.modifiedMs === 'number' ? formatTime(new Date(attributes.modifiedMs)) : 'unknown',
  link: ({ attributes }) => escapeName(attributes?.link ?? 'none'),
}
