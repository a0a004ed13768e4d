import { type Member, unescapeName } from '@telegram-backup/archive'
import { run } from '@telegram-backup/errors'
import { plainPath } from '#directory/members-of-tar.ts'
import { NearNames, nameNotFound } from '#directory/near-names.ts'
import type { FoundMember } from '#members.ts'

/**
 * The last member of that path, with or without `./`, or the last before an offset, where a hard link leads.
 * A name that no member has is read as `ls -b` writes it. `end`: size of the whole. Throws `NOT_FOUND`.
 */
export async function findMember(
  members: AsyncIterable<Member> | Iterable<Member>,
  wanted: string,
  { end, before = end }: { end: number; before?: number },
): Promise<FoundMember> {
  const path = plainPath(wanted)
  const escaped = unescapeName(path)
  const near = new NearNames(path)
  const found = new Map<string, FoundMember>()
  let open: FoundMember | undefined
  for await (const member of members) {
    if (open !== undefined) open.end = member.offset
    open = undefined
    if (member.offset >= before) break
    const name = plainPath(member.path)
    if (name === path || name === escaped) {
      open = { ...member, end }
      found.set(name, open)
    } else if (found.size === 0) near.add(member.path)
  }
  const member = found.get(path) ?? (escaped === undefined ? undefined : found.get(escaped))
  if (member !== undefined) return member
  throw nameNotFound(path, near, run('fetch', 'ID', { list: true }))
}
