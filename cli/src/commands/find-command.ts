import type { MemberHit, MembersFound } from '@telegram-backup/engine/operations/find-members.ts'
import { count, formatTable, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { escapeName } from '@telegram-backup/engine/units/names.ts'
import { parseTime } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import { type CommandContext, describeCommand, type RegisterCommand, withEngine } from '#commands/command.ts'
import { longCells, memberJson } from '#commands/member-words.ts'

interface FindOptions {
  source?: string
  project?: string
  since?: string
  json?: boolean
}

/** `find PATTERN`: in which backups a file is, and which versions of it. */
export const registerFind: RegisterCommand = (program, run) => {
  describeCommand(program.command('find'), {
    description:
      'find files in all directory backups, newest first, with the versions of each: equal size, mode, owner and time count as one version',
    argument: [
      '<pattern>',
      'a name in any folder (nginx.conf, "*.pem"), or with a slash a path from the top (etc/nginx/*.conf)',
    ],
    options: {
      '--source <name>': 'only backups of this source',
      '--project <id>': 'only backups of this project',
      '--since <when>': 'only backups made since then: 7d, 24h, or a date',
    },
    examples: [
      'telegram-backup find nginx.conf',
      'telegram-backup find "ssl/**/*.pem" --source etc --since 30d',
    ],
  }).action((pattern: string, options: FindOptions) =>
    run(async context => {
      const found = await find(context, pattern, options)
      for (const { id, error } of found.unread) context.note(`warning: ${id} was not searched: ${error}`)
      if (found.isCut) context.note('warning: there are more matches; only the newest ones are shown')
      context.output.answer(found.hits.map(hitJson), () => describeFound(found, pattern))
      if (found.unread.length > 0 || found.isCut) return ExitCode.PARTIAL
      return found.hits.length === 0 ? ExitCode.NOT_FOUND : ExitCode.DONE
    }, options),
  )
}

async function find(context: CommandContext, pattern: string, options: FindOptions): Promise<MembersFound> {
  const { output, signal, note } = context
  const { source, project: projectId, since } = options
  const query = { pattern, source, projectId, since: since === undefined ? undefined : parseTime(since) }
  const line = output.progressLine()
  return await withEngine(context, async engine => {
    const { findMembers } = await import('@telegram-backup/engine/operations/find-members.ts')
    const onBackup = (searched: number): void =>
      line.update(() => [{ text: `${count(searched, 'backup')} searched`, rank: 1 }])
    return await findMembers(engine, query, { signal, note, onBackup })
  }).finally(() => line.end())
}

function hitJson({ backup, member }: MemberHit): Record<string, unknown> {
  const { id, project_id, source_name, created_at } = backup
  return { ...memberJson(member), id, project: project_id, source: source_name, created_at }
}

/** One version of one file, in backups of one source that follow each other. */
interface Version {
  newest: MemberHit
  oldest: MemberHit
  backups: number
}

function describeFound({ hits, searched }: MembersFound, pattern: string): string {
  if (hits.length === 0) {
    return `None of ${count(searched, 'directory backup')} holds ${JSON.stringify(pattern)}.`
  }
  const files = Map.groupBy(hits, ({ backup, origin, member }) =>
    JSON.stringify([backup.project_id, origin, member.path]),
  )
  return [...files.values()].map(describeFile).join('\n\n')
}

function describeFile(hits: readonly MemberHit[]): string {
  const [first] = hits as [MemberHit, ...MemberHit[]]
  const newer = first.number === 1 ? 'backup' : `${first.number} backups`
  const gone = first.number === 0 ? [] : [`  not in the newest ${newer} of this source`]
  const rows = versionsOf(hits).map(({ newest, oldest, backups }) => [
    '',
    ...longCells(newest.member),
    `in ${count(backups, 'backup')}: ${placeOf(newest)}${backups === 1 ? '' : ` back to ${placeOf(oldest)}`}`,
  ])
  const title = `${escapeName(first.member.path)}  (${first.backup.project_id}, ${escapeName(first.origin)})`
  return [title, ...gone, formatTable(rows)].join('\n')
}

function placeOf({ backup }: MemberHit): string {
  return `${backup.id.slice(0, 8)} of ${formatTime(backup.created_at)}`
}

function versionsOf(hits: readonly MemberHit[]): Version[] {
  const versions: Version[] = []
  for (const hit of hits) {
    const last = versions.at(-1)
    // A backup between them that lacks the file parts them.
    const follows = last !== undefined && hit.number <= last.oldest.number + 1
    if (last !== undefined && follows && isSameVersion(last.oldest, hit)) {
      last.oldest = hit
      last.backups += 1
    } else versions.push({ newest: hit, oldest: hit, backups: 1 })
  }
  return versions
}

function isSameVersion(a: MemberHit, b: MemberHit): boolean {
  const textOf = ({ member: { kind, size, attributes } }: MemberHit): string =>
    JSON.stringify([kind, size, attributes])
  return textOf(a) === textOf(b)
}
