import type { Member } from '@telegram-backup/archive'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupContents, type ContentsOptions, type ReadHooks } from '#restore/contents.ts'
import type { MemberFetch } from '#restore/fetch-member.ts'
import { membersOf } from '#restore/restore-target.ts'

export interface ListRequest {
  backup: BackupDetails
  /** A folder, a file, or a pattern; the top of the directory if undefined. */
  path?: string | undefined
  /** Also what is in the folders below. */
  recursive: boolean
  /** Modes, owners and times are wanted: if the list has none, they are read from the parts. */
  long: boolean
}

/**
 * What is in a folder of a directory backup, in the order of the backup. Fetches the list of members alone,
 * where the backup has one. Throws `USAGE` for any other backup, `NOT_FOUND` for a path that it does not
 * hold, and what fetching throws.
 */
export async function listFolder(
  { backup, path = '.', recursive, long }: ListRequest,
  options: ContentsOptions & Pick<ReadHooks, 'onStart' | 'onPart'>,
): Promise<Member[]> {
  const members = await openMembers(backup, options)
  const { chosen, pattern } = await members.choose(path)
  const shown = chosen.filter(member => {
    if (member.path === '.') return false
    if (recursive || pattern.matches(folderOf(member.path))) return true
    return member.kind !== 'directory' && pattern.matches(member.path)
  })
  if (!long || shown.every(({ attributes }) => attributes !== undefined)) return shown
  const parts = await members.partsOf(shown)
  options.note('The list of this backup has no modes, owners and times: they are read from its parts.')
  options.onStart?.({
    partCount: parts.length,
    plainBytes: shown.reduce((sum, { offset, end }) => sum + end - offset, 0),
  })
  return await Array.fromAsync(members.withAttributes(shown, options))
}

/** The list of members of a directory backup. Throws `USAGE` for any other backup. */
async function openMembers(backup: BackupDetails, options: ContentsOptions): Promise<MemberFetch> {
  membersOf(backup)
  return (await BackupContents.open(backup, options)).memberFetch()
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : path.slice(0, slash)
}

/** What became of a member between two backups. */
export interface MemberChange {
  change: 'added' | 'removed' | 'changed'
  /** As it is in the second backup; for a removed one, as it was. */
  member: Member
  /** As it was in the first backup, and what differs; only of a changed one. */
  before?: Member
  differs?: Differing[]
}

export type Differing = 'kind' | 'size' | 'contents' | 'mode' | 'owner' | 'modified_at' | 'link'

export interface Comparison {
  /** By path. */
  changes: MemberChange[]
  unchanged: number
  /** False where a list has no modes, owners and times: then only kinds and sizes were compared. */
  comparedAttributes: boolean
  /** Files of equal size, of which one list has no SHA-256: their contents were not compared. */
  notCompared: number
}

/**
 * Compares two directory backups by their lists of members. A folder counts as changed only by its mode or
 * owner: its time changes with each name in it. Throws as {@link listFolder}.
 */
export async function compareMembers(
  [first, second]: readonly [BackupDetails, BackupDetails],
  options: ContentsOptions,
): Promise<Comparison> {
  const before = new Map<string, Member>()
  // The last member of a path counts, as when tar unpacks them.
  for await (const member of (await openMembers(first, options)).members()) before.set(member.path, member)
  const after = new Map<string, Member>()
  for await (const member of (await openMembers(second, options)).members()) after.set(member.path, member)
  const changes: MemberChange[] = []
  let unchanged = 0
  let comparedAttributes = true
  let notCompared = 0
  for (const [path, member] of after) {
    const old = before.get(path)
    before.delete(path)
    if (old === undefined) {
      changes.push({ change: 'added', member })
      continue
    }
    comparedAttributes &&= old.attributes !== undefined && member.attributes !== undefined
    const isHashed = old.sha256 !== undefined && member.sha256 !== undefined
    if (!isHashed && member.kind === 'file' && old.size === member.size && member.size > 0) notCompared += 1
    const differs = differencesOf(old, member)
    if (differs.length === 0) unchanged += 1
    else changes.push({ change: 'changed', member, before: old, differs })
  }
  for (const member of before.values()) changes.push({ change: 'removed', member })
  changes.sort((a, b) => (a.member.path < b.member.path ? -1 : 1))
  return { changes, unchanged, comparedAttributes, notCompared }
}

/** What tells two versions of a member apart. */
export function differencesOf(a: Member, b: Member): Differing[] {
  const differs: Differing[] = []
  if (a.kind !== b.kind) differs.push('kind')
  if (a.size !== b.size) differs.push('size')
  else if (a.sha256 !== undefined && b.sha256 !== undefined && a.sha256 !== b.sha256) differs.push('contents')
  const [one, other] = [a.attributes, b.attributes]
  if (one === undefined || other === undefined) return differs
  if (one.mode !== other.mode) differs.push('mode')
  if (one.owner !== other.owner || one.group !== other.group) differs.push('owner')
  if (a.kind !== 'directory' && one.modifiedMs !== other.modifiedMs) differs.push('modified_at')
  if (one.link !== other.link) differs.push('link')
  return differs
}
