import type { Member } from '@telegram-backup/archive'
import { type Backup, type BackupDetails, getBackupDetails, pageBackups } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { Engine, Watching } from '#engine.ts'
import { BackupContents } from '#restore/contents.ts'
import { holdsDirectory, membersOf } from '#restore/restore-target.ts'

export interface MemberQuery {
  /** Without a slash, it matches a name in any folder. */
  pattern: string
  source?: string | undefined
  projectId?: string | undefined
  /** Only backups made at this time or later. */
  since?: Date | undefined
}

export interface MemberHit {
  backup: Pick<Backup, 'id' | 'project_id' | 'source_name' | 'created_at'>
  /** The name of the source, else its directory: all versions of one file have it in common. */
  origin: string
  /** Which of the searched backups of that origin it is, from 0, newest first. */
  number: number
  member: Member
}

export interface MembersFound {
  /** Newest backup first. */
  hits: MemberHit[]
  /** How many backups were searched. */
  searched: number
  /** Backups that could not be searched, and why. */
  unread: { id: string; error: string }[]
  /** Whether more than {@link MOST_HITS} members match. */
  isCut: boolean
}

export interface FindHooks extends Watching {
  /** Called after each backup with the number of those read so far. */
  onBackup?: ((searched: number) => void) | undefined
}

const PAGE = 50
/** How many lists are fetched at the same time. */
const LISTS_AHEAD = 4
export const MOST_HITS = 100_000

/**
 * Searches the lists of all complete directory backups, newest first. Holds a few lists at a time. Throws
 * `CONFIGURATION` without a key and how the chat failed. A backup that is damaged or has no list is reported;
 * if that is true of all, the reason of the first is thrown.
 */
export async function findMembers(
  engine: Engine,
  query: MemberQuery,
  { signal, note, onBackup }: FindHooks,
): Promise<MembersFound> {
  const found: MembersFound = { hits: [], searched: 0, unread: [], isCut: false }
  const numbers = new Map<string, number>()
  let firstError: unknown
  const lists = ahead(directoryBackups(engine, query), backup =>
    search(engine, backup, { pattern: query.pattern, signal, note }),
  )
  for await (const { backup, members, error } of lists) {
    if (error !== undefined) {
      found.unread.push({ id: backup.id, error: describeError(error).message })
      firstError ??= error
      continue
    }
    found.searched += 1
    onBackup?.(found.searched)
    const origin = originOf(backup)
    const key = JSON.stringify([backup.project_id, origin])
    const number = numbers.get(key) ?? 0
    numbers.set(key, number + 1)
    for (const member of members) found.hits.push({ backup, origin, number, member })
    if (found.hits.length <= MOST_HITS) continue
    return { ...found, hits: found.hits.slice(0, MOST_HITS), isCut: true }
  }
  if (found.searched === 0 && firstError !== undefined) throw firstError
  return found
}

function originOf({ source_name, source }: Backup): string {
  return source_name ?? String(source?.['path'] ?? source?.['filename'] ?? '')
}

interface Searched {
  backup: BackupDetails
  members: Member[]
  error?: unknown
}

async function* directoryBackups(
  { database }: Engine,
  { projectId, source, since }: MemberQuery,
): AsyncGenerator<BackupDetails> {
  let after: { createdAt: Date; id: string } | undefined
  for (;;) {
    const filter = { state: 'complete', projectId, from: since, limit: PAGE, after } as const
    const { backups, hasMore } = await pageBackups(database, filter)
    for (const backup of backups) {
      if (!holdsDirectory(backup) || (source !== undefined && backup.source_name !== source)) continue
      const details = await getBackupDetails(database, backup.id)
      if (details?.state === 'complete') yield details
    }
    const last = backups.at(-1)
    if (!hasMore || last === undefined) return
    after = { createdAt: last.created_at, id: last.id }
  }
}

/** These say something about one backup; any other error ends the search. */
const OF_ONE_BACKUP: ReadonlySet<string> = new Set([
  ...['INTEGRITY', 'NOT_FOUND', 'WRONG_KEY', 'REFUSED', 'UNPROVEN'],
])

async function search(
  engine: Engine,
  backup: BackupDetails,
  { pattern: text, ...watching }: Watching & { pattern: string },
): Promise<Searched> {
  try {
    const options = { ...engine, ...watching, catalog: async () => engine.database }
    const contents = await BackupContents.open(backup, options)
    const pattern = await membersOf(backup).pattern(text, { source: backup.source, anywhere: true })
    const list = await contents.listedMembers()
    if (list === undefined)
      return {
        backup,
        members: [],
        error: new BackupError('It has no list of its members', { code: 'NOT_FOUND' }),
      }
    const members: Member[] = []
    for (const member of list) {
      if (pattern.matches(member.path)) members.push(member)
      if (members.length > MOST_HITS) break
    }
    return { backup, members }
  } catch (error) {
    if (!OF_ONE_BACKUP.has(describeError(error).code)) throw error
    return { backup, members: [], error }
  }
}

/** The results in order, of which a few are worked on at the same time. */
async function* ahead<Item, Result>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = []
  for await (const item of items) {
    const result = work(item)
    // It is awaited later; until then its failure must not end the process.
    result.catch(() => {})
    running.push(result)
    if (running.length === LISTS_AHEAD) yield await (running.shift() as Promise<Result>)
  }
  for (const result of running) yield await result
}
