import type { Member } from '@telegram-backup/archive'
import { BackupError, run } from '@telegram-backup/errors'
import { asMember } from '#directory/members-of-tar.ts'
import { NearNames, nameNotFound } from '#directory/near-names.ts'
import { PathPattern } from '#directory/path-pattern.ts'
import { TarInspector } from '#directory/unpack/tar-inspector.ts'
import type { FoundMember, MemberSelection } from '#members.ts'
import type { SourceRecord } from '#recorded-backup.ts'

/** tar writes hard links that lead straight to a file; more steps than this mean damage. */
const MAX_LINKS = 8

type MemberList = AsyncIterable<Member> | Iterable<Member>

export interface Selecting {
  patterns: readonly string[]
  /** The record of the source: a path that begins with its directory counts from there. */
  source: SourceRecord | null
  /** Size of the whole. */
  end: number
  /** The bytes of some members, in their order. */
  read(members: readonly FoundMember[]): AsyncIterable<Buffer>
}

/**
 * The members that the patterns match, with all that is in matched folders, and what they need: the members
 * that hard links lead to, and the folders above. Throws `NOT_FOUND` for a pattern that matches nothing.
 * @param list reads all members, in order
 */
export async function selectMembers(
  list: () => MemberList,
  { patterns, source, end, read }: Selecting,
): Promise<MemberSelection> {
  const chosen = await chooseMembers(list(), { patterns, source, end })
  const paths = new Set(chosen.map(({ path }) => path))
  const contents: FoundMember[] = []
  let links = chosen.filter(({ kind }) => kind === 'hardlink')
  for (let step = 0; links.length > 0 && step < MAX_LINKS; step++) {
    const targets = await targetsOf(links, read)
    for (const path of paths) targets.delete(path)
    const found = targets.size === 0 ? [] : await lastBefore(list(), targets, end)
    contents.push(...found)
    for (const { path } of found) paths.add(path)
    links = found.filter(({ kind }) => kind === 'hardlink')
  }
  const above = await foldersAbove(list(), new Set(chosen.map(({ path }) => path)))
  return { chosen, contents, above }
}

/**
 * A pattern as a person types it: an absolute one counts from the directory that was backed up.
 * @param of.anywhere without a slash, it matches the last name of a path in any folder
 */
export function patternOf(
  text: string,
  { source, anywhere }: { source: SourceRecord | null; anywhere: boolean },
): PathPattern {
  const directory = source?.['path']
  if (anywhere && !text.includes('/')) return new PathPattern(`**/${text}`)
  if (!text.startsWith('/') || typeof directory !== 'string') return new PathPattern(text)
  const root = directory.replace(/\/*$/, '/')
  return new PathPattern(`${text}/`.startsWith(root) ? `./${text.slice(root.length)}` : text)
}

/**
 * The members that the patterns match, with all that is in matched folders. Throws `NOT_FOUND` for a pattern
 * that matches nothing.
 */
export async function chooseMembers(
  members: MemberList,
  { patterns: texts, source, end }: Omit<Selecting, 'read'>,
): Promise<FoundMember[]> {
  const patterns = texts.map(text => patternOf(text, { source, anywhere: false }))
  const chosen: FoundMember[] = []
  const unmatched = new Map(patterns.map(pattern => [pattern, new NearNames(pattern.text)]))
  let open: FoundMember | undefined
  for await (const member of members) {
    if (open !== undefined) open.end = member.offset
    open = undefined
    for (const near of unmatched.values()) near.add(member.path)
    const matching = patterns.filter(pattern => pattern.covers(member.path))
    for (const pattern of matching) unmatched.delete(pattern)
    if (matching.length === 0) continue
    open = { ...member, end }
    chosen.push(open)
  }
  const [missing] = unmatched
  if (missing !== undefined)
    throw nameNotFound(missing[0].text, missing[1], run('ls', 'ID', { recursive: true }))
  return chosen
}

/** Each path that these hard links lead to, with the offset before which it must be. */
async function targetsOf(
  links: readonly FoundMember[],
  read: Selecting['read'],
): Promise<Map<string, number>> {
  const unknown = links.filter(({ attributes }) => attributes?.link === undefined)
  const found: string[] = []
  const inspector = new TarInspector({
    check: member => found.push(asMember(member).attributes?.link ?? '') > 0,
  })
  if (unknown.length > 0) for await (const chunk of read(unknown)) inspector.inspect(chunk)
  const named = new Map(unknown.map((link, index) => [link, found[index] ?? '']))
  return new Map(links.map(link => [link.attributes?.link ?? named.get(link) ?? '', link.offset]))
}

/** The last member of each path before its offset. Throws `UNRESTORABLE` if one is not there. */
async function lastBefore(
  members: MemberList,
  wanted: ReadonlyMap<string, number>,
  end: number,
): Promise<FoundMember[]> {
  const found = new Map<string, FoundMember>()
  let open: FoundMember | undefined
  for await (const member of members) {
    if (open !== undefined) open.end = member.offset
    open = undefined
    if (member.offset >= (wanted.get(member.path) ?? 0)) continue
    open = { ...member, end }
    found.set(member.path, open)
  }
  const missing = [...wanted.keys()].find(path => !found.has(path))
  if (missing === undefined) return [...found.values()]
  throw new BackupError(`A hard link leads to ${JSON.stringify(missing)}, which the backup does not hold`, {
    code: 'UNRESTORABLE',
  })
}

/** The folders above these paths that are not among them, outermost first. */
async function foldersAbove(
  members: MemberList,
  paths: ReadonlySet<string>,
): Promise<MemberSelection['above'][number][]> {
  const above = new Map<string, MemberSelection['above'][number]>()
  const add = (path: string): void => {
    if (!paths.has(path)) above.set(path, { path, attributes: undefined })
  }
  add('.')
  for (const path of paths) {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
      add(path.slice(0, slash))
  }
  for await (const { path, kind, attributes } of members) {
    if (kind === 'directory' && above.has(path)) above.set(path, { path, attributes })
  }
  return [...above.values()].sort((a, b) => depthOf(a.path) - depthOf(b.path))
}

function depthOf(path: string): number {
  return path === '.' ? 0 : path.split('/').length
}
