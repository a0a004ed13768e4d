import { setImmediate } from 'node:timers/promises'
import type { Member } from '@telegram-backup/archive'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { BackupContents, type ContentsOptions } from '#restore/contents.ts'
import type { ManifestCache } from '#restore/manifest-cache.ts'
import { membersOf } from '#restore/restore-target.ts'
import { unescapeName } from '#units/names.ts'

export interface BrowseRequest {
  backup: BackupDetails
  /** A folder, as the list names it; empty for the top. */
  path: string
  /** Instead of the folder: files and folders in and below it whose name has this text, in any case. */
  search?: string | undefined
  limit: number
  /** `place` of the last entry of the page before. */
  after?: number | undefined
}

/** What stands in a folder. */
export interface FolderEntry {
  path: string
  kind: Member['kind']
  /** Undefined for a folder that the backup does not list, but something in it. */
  member: Member | undefined
  /** Its number in the list of the backup. */
  place: number
}

/** Of the paths of one page, in characters: a single one may have 100,000. */
const MOST_TEXT = 1_000_000
/** So many lines of the list are read before others get their turn. */
const LINES_AT_ONCE = 2_000

/**
 * One page of a folder of a directory backup, in the order of the backup. Fetches the list of members alone,
 * and only if it is not at hand. Throws `USAGE` for a backup without a list, `NOT_FOUND` for a folder that it
 * does not hold, and what fetching throws.
 */
export async function browseFolder(
  { backup, path, search, limit, after = 0 }: BrowseRequest,
  options: ContentsOptions & { manifests: ManifestCache },
): Promise<{ entries: FolderEntry[]; hasMore: boolean }> {
  membersOf(backup)
  const contents = await BackupContents.open(backup, options)
  const members = await contents.listedMembers()
  if (members === undefined) throw withoutList()
  const folder = new Folder(path, search)
  const entries: FolderEntry[] = []
  let text = 0
  let place = 0
  for (const member of members) {
    place += 1
    if (place % LINES_AT_ONCE === 0) {
      await setImmediate()
      if (options.signal.aborted) throw cancelled()
    }
    const entry = folder.entryOf(member)
    if (entry === undefined || place <= after) continue
    if (entries.length === limit || text > MOST_TEXT) return { entries, hasMore: true }
    entries.push({ ...entry, place })
    text += entry.path.length
  }
  if (!folder.isThere) throw notThere(path)
  return { entries, hasMore: false }
}

/** Tells what stands directly in a folder, by the members of a backup in their order. */
class Folder {
  /** With a slash at its end; empty for the top. */
  readonly #prefix: string
  readonly #search: string | undefined
  /** Folders that were met already, by themselves or by something in them. */
  readonly #folders = new Set<string>()
  isThere: boolean

  constructor(path: string, search: string | undefined) {
    const plain = path.replace(/^(\.?\/+)+|\/+$/g, '')
    const named = plain === '.' ? '' : nameIn(plain)
    this.#prefix = named === '' ? '' : `${named}/`
    this.#search = search?.toLocaleLowerCase('en')
    this.isThere = named === ''
  }

  entryOf(member: Member): Omit<FolderEntry, 'place'> | undefined {
    const { path, kind } = member
    if (path === '.') return undefined
    if (`${path}/` === this.#prefix) {
      this.isThere = true
      return kind === 'directory' || this.#search !== undefined ? undefined : { path, kind, member }
    }
    if (!path.startsWith(this.#prefix)) return undefined
    this.isThere = true
    if (this.#search !== undefined) {
      const name = path.slice(path.lastIndexOf('/') + 1)
      return name.toLocaleLowerCase('en').includes(this.#search) ? { path, kind, member } : undefined
    }
    const slash = path.indexOf('/', this.#prefix.length)
    if (slash < 0 && kind !== 'directory') return { path, kind, member }
    const below = slash < 0 ? path : path.slice(0, slash)
    if (this.#folders.has(below)) return undefined
    this.#folders.add(below)
    return { path: below, kind: 'directory', member: slash < 0 ? member : undefined }
  }
}

/** Names that are not UTF-8 are given as `ls -b` prints them. */
function nameIn(path: string): string {
  const meant = unescapeName(path)
  return meant === undefined || meant.isWellFormed() ? path : meant
}

function withoutList(): BackupError {
  return new BackupError('This backup has no list of its files, so they cannot be shown', {
    code: 'USAGE',
    hint: hint`${run('ls', 'ID')} finds them by reading the whole backup.`,
  })
}

function notThere(path: string): BackupError {
  return new BackupError(`The backup holds no folder ${JSON.stringify(path.slice(0, 200))}`, {
    code: 'NOT_FOUND',
    hint: 'Begin at the top, without a path.',
  })
}
