import {
  type BackupDetails,
  type BackupLabel,
  backupsByPrefix,
  type Database,
  findGroup,
  getBackupDetails,
  hasSource,
  type NewestFilter,
  newestBackup,
  newestByProject,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { formatTime } from '#units/human-units.ts'
import { shownName } from '#units/names.ts'

/** How a person names a backup. */
export interface BackupWords {
  /**
   * The id, or its first eight or more characters; `latest`; `latest:SOURCE`, where SOURCE may also be a
   * project; or `latest:PROJECT/SOURCE`.
   */
  id: string
  /** With `latest`: only backups made before this time. */
  before?: Date | undefined
  /** With `latest`: only backups with this tag. */
  tag?: string | undefined
}

interface FindHooks {
  /** Told which backup `latest` stands for, and which newer ones were passed over. */
  note?: ((line: string) => void) | undefined
  /** `latest` may be any member of a group, since the caller means the whole group. */
  isOneOfGroupMeant?: boolean | undefined
}

/**
 * The backup that the words name. `latest` is the newest complete one that is not known to be damaged. Throws
 * `NOT_FOUND`, and `USAGE` for words that name several backups.
 */
export async function findBackup(
  database: Database,
  words: string | BackupWords,
  hooks: FindHooks = {},
): Promise<BackupDetails> {
  const { id, before, tag } = typeof words === 'string' ? { id: words } : words
  // PostgreSQL refuses a zero character.
  const typed = id.replaceAll('\0', '\ufffd').trim()
  const [, isLatest, ofWhat] = /^(latest)(?::(.*))?$/s.exec(typed) ?? []
  if (isLatest === undefined && (before !== undefined || tag !== undefined)) {
    throw new BackupError('A time or a tag that narrows the choice is only for "latest"', {
      code: 'USAGE',
      hint: 'An id names one backup already; leave it out, or name the backup as latest or latest:SOURCE.',
    })
  }
  const label =
    isLatest === undefined
      ? await byPrefix(database, typed)
      : await latest(database, { typed, ofWhat, before, tag, hooks })
  const backup = await getBackupDetails(database, label.id)
  if (backup !== null) return backup
  throw unknown(typed)
}

/** `3f0c2c1e: shop database, source orders, made 2026-12-01 15:02 +01:00`. */
function describeLabel({ id, project_id, type, source_name, created_at }: BackupLabel): string {
  const source = source_name === null ? '' : `, source ${shownName(source_name)}`
  return `${id.slice(0, 8)}: ${project_id} ${type}${source}, made ${formatTime(created_at)}`
}

const MOST_CANDIDATES = 5

async function byPrefix(database: Database, typed: string): Promise<BackupLabel> {
  const [found, ...others] = await backupsByPrefix(database, typed, MOST_CANDIDATES + 1)
  if (found === undefined) throw unknown(typed)
  if (others.length === 0) return found
  const candidates = [found, ...others].slice(0, MOST_CANDIDATES).map(one => {
    return describeLabel(one).replace(/^\w{8}/, one.id)
  })
  const more = others.length < MOST_CANDIDATES ? [] : ['and more']
  throw new BackupError(
    [`Several backups have ids that begin with ${typed}:`, ...candidates, ...more].join('\n  '),
    { code: 'USAGE', hint: 'Give more characters of the id.' },
  )
}

function unknown(typed: string): BackupError {
  return new BackupError(`No backup has the id ${JSON.stringify(typed.slice(0, 80))}`, {
    code: 'NOT_FOUND',
    hint: hint`${run('list')} shows the ids; the first eight characters are enough. "latest" and "latest:SOURCE" name the newest backup.`,
  })
}

interface Latest {
  typed: string
  /** What stands after `latest:`. */
  ofWhat: string | undefined
  before: Date | undefined
  tag: string | undefined
  hooks: FindHooks
}

async function latest(
  database: Database,
  { typed, ofWhat, hooks, ...narrowed }: Latest,
): Promise<BackupLabel> {
  const { before, tag } = narrowed
  const filter = { ...(await filterOf(database, ofWhat, narrowed)), ...narrowed }
  const { found, skipped } = await newestBackup(database, filter)
  const passedOver = skipped.map(one => `${describeLabel(one)}, ${whyNot(one)}`)
  if (found === undefined) {
    const among = [
      ...(tag === undefined ? [] : [`with the tag ${tag}`]),
      ...(before === undefined ? [] : [`made before ${formatTime(before)}`]),
      `for ${JSON.stringify(typed.slice(0, 80))}`,
    ]
    throw new BackupError(
      [`There is no good backup ${among.join(' ')}`, ...passedOver.map(line => `passed over: ${line}`)].join(
        '\n  ',
      ),
      { code: 'NOT_FOUND', hint: hint`${run('list')} shows what there is.` },
    )
  }
  const { note, isOneOfGroupMeant = false } = hooks
  if (found.group_id !== null && !isOneOfGroupMeant) await refuseMember(database, typed, found.group_id)
  note?.(`${typed} is ${describeLabel(found)}`)
  for (const line of passedOver) note?.(`passed over, although newer: ${line}`)
  return found
}

/** The newest backup of a cluster is of whichever database came last: nobody means that one. */
async function refuseMember(database: Database, typed: string, groupId: string): Promise<never> {
  const members = (await findGroup(database, groupId))?.backups ?? []
  const complete = members.filter(({ state }) => state === 'complete')
  throw new BackupError(
    [
      `${typed} is a group of several backups:`,
      ...complete.map(({ id, member }) => `${id}: ${shownName(member ?? '')}`),
    ].join('\n  '),
    {
      code: 'USAGE',
      hint: `Name one of them; or all, where a group can be named: group:${groupId.slice(0, 8)}`,
    },
  )
}

function whyNot({ state, damaged_at }: BackupLabel): string {
  if (state === 'erasing') return 'is being erased'
  if (state === 'sending') return 'is not sent to the end'
  if (state === 'failed') return 'failed'
  return damaged_at === null ? 'known from captions only, which prove nothing' : 'DAMAGED'
}

/**
 * A name after `latest:` is that of a source; where no backup has such a source, that of a project. Two
 * machines may give one name to two sources, of two projects: then the project has to be named as well.
 */
async function filterOf(
  database: Database,
  ofWhat: string | undefined,
  narrowed: Pick<NewestFilter, 'before' | 'tag'>,
): Promise<NewestFilter> {
  if (ofWhat === undefined) return {}
  if (ofWhat === '') {
    throw new BackupError('No source is named after "latest:"', {
      code: 'USAGE',
      hint: 'Write latest:SOURCE, or latest alone for the newest backup of all.',
    })
  }
  const slash = ofWhat.indexOf('/')
  if (slash !== -1) return { projectId: ofWhat.slice(0, slash), sourceName: ofWhat.slice(slash + 1) }
  if (!(await hasSource(database, ofWhat))) return { projectId: ofWhat }
  const [one, ...others] = await newestByProject(database, { sourceName: ofWhat, ...narrowed })
  if (one === undefined || others.length === 0) return { sourceName: ofWhat }
  throw new BackupError(
    [
      `Several projects have a source ${JSON.stringify(ofWhat)}. The newest backup of each:`,
      ...[one, ...others].map(describeLabel),
    ].join('\n  '),
    { code: 'USAGE', hint: `Name the project too: latest:${one.project_id}/${ofWhat}` },
  )
}
