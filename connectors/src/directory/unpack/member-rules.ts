import type { MemberAttributes } from '@telegram-backup/archive'
import { type Hint, hint, option } from '@telegram-backup/errors'
import { componentsOf, leadsOutside, type OutsideLink } from '#directory/pack/outside-links.ts'
import { hostile } from '#directory/unpack/tar-fields.ts'
import type { FileStamp } from '#members.ts'
import type { OutsideAllowance } from '#restoring.ts'

/** A member of a tar file, with its names as tar will use them: Latin-1, one character for each byte. */
export interface TarMember {
  name: string
  linkName: string
  type: string
  /** Size of its data in the tar file; for a sparse file, the map of holes and what lies between them. */
  sizeBytes: number
  fileBytes: number
  stamp: FileStamp
  attributes(): Omit<MemberAttributes, 'link'>
  /** A second name in the extended header of a sparse file; tar might choose this one. */
  otherName?: string
  /** Where it begins in the tar file, its extended headers included. */
  offset: number
}

export const LINKS_HINT: Hint = hint`Give ${option('links', 'skip')} to leave such links out, or ${option('links', 'keep')} to get them as they are; nothing is ever written through a link.`

export const DEVICES_HINT: Hint = hint`Give ${option('allow', 'devices')} if the tree is your own.`

/** The types that become a file, a link or a folder; 7 and S are files. */
const KNOWN_TYPES = '01234567S'
const WITHOUT_DATA = '123456'
const MAX_NAMED = 100

export class MemberRules {
  readonly #allowed: ReadonlySet<OutsideAllowance>
  /** Names that are symbolic links, or were earlier in the archive. */
  readonly #links = new Set<string>()
  /** Omitted links, and hard links to them. */
  readonly #leftOut = new Set<string>()
  /** Omitted links, {@link MAX_NAMED} at most, and the number of all. */
  readonly leftOut: OutsideLink[] = []
  leftOutCount = 0

  constructor(allowed: readonly OutsideAllowance[]) {
    this.#allowed = new Set(allowed)
  }

  /** False for an omitted link. Throws `UNRESTORABLE` for a member that reaches out of the directory. */
  check(member: TarMember): boolean {
    const { type, sizeBytes, otherName } = member
    const isFolder = type === '5' || (type !== '1' && type !== '2' && member.name.endsWith('/'))
    if (!KNOWN_TYPES.includes(type))
      throw hostile(`${show(member.name)} is of an unknown type, ${JSON.stringify(type)}`)
    if (sizeBytes > 0 && (WITHOUT_DATA.includes(type) || isFolder))
      throw hostile(`${show(member.name)} has data, but its type cannot have data`)
    const path = this.#insidePath(member.name, 'The member')
    if (type === '3' || type === '4') this.#device(member.name)
    const comesBack =
      type === '2'
        ? this.#symbolicLink(path, member.linkName)
        : type !== '1' || this.#hardLink(path, member.linkName)
    // Both names have to pass.
    return (otherName === undefined || this.check({ ...nameless(member), name: otherName })) && comesBack
  }

  #device(name: string): void {
    if (this.#allowed.has('devices')) return
    throw hostile(`${show(name)} is a device`, DEVICES_HINT)
  }

  #symbolicLink(path: string[], target: string): boolean {
    if (path.length === 0) throw hostile('The directory itself is a symbolic link')
    const name = path.join('/')
    this.#links.add(name)
    if (this.#allowed.has('outside-links') || !leadsOutside(path, target)) return true
    if (this.#allowed.has('no-outside-links')) return this.#leaveOut(name, target)
    throw hostile(`The link ${show(name)} leads out of the directory, to ${show(target)}`, LINKS_HINT)
  }

  #hardLink(path: string[], target: string): boolean {
    const targetName = this.#insidePath(target, 'The hard link').join('/')
    const name = path.join('/')
    if (this.#links.has(targetName)) this.#links.add(name)
    return !this.#leftOut.has(targetName) || this.#leaveOut(name, target)
  }

  #leaveOut(name: string, target: string): false {
    this.#leftOut.add(name)
    this.leftOutCount += 1
    if (this.leftOut.length < MAX_NAMED) this.leftOut.push({ path: textOf(name), target: textOf(target) })
    return false
  }

  /** The components of a path. Throws for an absolute or climbing one, and one through a link. */
  #insidePath(name: string, what: string): string[] {
    if (name === '' || name.includes('\0')) throw hostile(`${what} ${show(name)} has no valid name`)
    if (name.startsWith('/')) throw hostile(`${what} ${show(name)} is absolute`)
    const path = componentsOf(name)
    if (path.includes('..')) throw hostile(`${what} ${show(name)} leads out of the directory`)
    for (let length = 1; this.#links.size > 0 && length < path.length; length++) {
      const parent = path.slice(0, length).join('/')
      if (this.#links.has(parent))
        throw hostile(`${what} ${show(name)} goes through the link ${show(parent)}`)
    }
    return path
  }
}

function nameless({ otherName: _other, ...member }: TarMember): TarMember {
  return member
}

function show(name: string): string {
  return JSON.stringify(textOf(name.slice(0, 300)))
}

function textOf(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8')
}
