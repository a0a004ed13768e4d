import { escapeName, type Member, unescapeName } from '@telegram-backup/archive'
import { BackupError, type Hint, hint, option, run } from '@telegram-backup/errors'
import type { FoundMember } from '#connector.ts'
import { plainPath } from '#directory/members-of-tar.ts'

const MAX_NEAR = 5

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
  throw new BackupError(`The backup holds no ${JSON.stringify(path)}`, {
    code: 'NOT_FOUND',
    hint: path.includes('\ufffd')
      ? hint`Give a name that is not UTF-8 as ${option('list')} prints it.`
      : near.hint(),
  })
}

class NearNames {
  readonly #basename: string
  readonly #near: string[] = []

  constructor(wanted: string) {
    this.#basename = basenameOf(wanted)
  }

  add(path: string): void {
    const basename = basenameOf(path)
    const isNear = basename === this.#basename || (basename !== '' && basename.includes(this.#basename))
    if (isNear && this.#near.length < MAX_NEAR) this.#near.push(path)
  }

  hint(): string | Hint {
    if (this.#near.length === 0) return hint`${run('fetch', 'ID', { list: true })} shows all names.`
    return `Did you mean ${this.#near.map(path => `"${escapeName(path)}"`).join(', ')}?`
  }
}

function basenameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).toLowerCase()
}
