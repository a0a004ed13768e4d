import { type Hint, hint, option } from '@telegram-backup/errors'
import type { FileStamp } from '#connector.ts'
import { componentsOf, leadsOutside, type OutsideLink } from '#directory/pack/outside-links.ts'
import { hostile } from '#directory/unpack/tar-fields.ts'
import type { OutsideAllowance } from '#restoring.ts'

/** A member of a tar file, with its names as tar will use them; latin1, one character for each byte. */
export interface TarMember {
  name: string
  linkName: string
  type: string
  /** Of its data in the tar file; a sparse file's are without the holes, and begin with the map of them. */
  sizeBytes: number
  /** Of the file that it becomes. */
  fileBytes: number
  stamp: FileStamp
  /** A second name that the extended header of a sparse file has; tar's choice may be this one. */
  otherName?: string
  /** Where it begins in the tar file, with its extended headers. */
  offset: number
}

/** What a person can do about links that lead out. */
export const LINKS_HINT: Hint = hint`Give ${option('links', 'skip')} to leave such links out, or ${option('links', 'keep')} to get them as they are; nothing is ever written through a link.`

/** What a person can do about devices. */
export const DEVICES_HINT: Hint = hint`Give ${option('allow', 'devices')} if the tree is your own.`

/** The types that tar makes a file, a link or a folder of; 7 and S are files as well. */
const KNOWN_TYPES = '01234567S'
const WITHOUT_DATA = '123456'
/** Of links that are left out, how many are named. */
const MAX_NAMED = 100

/** Judges the members of one archive, in their order. */
export class MemberRules {
  readonly #allowed: ReadonlySet<OutsideAllowance>
  /** Names that are symbolic links by now, or were. */
  readonly #links = new Set<string>()
  /** Those that were left out, with what was linked to them. */
  readonly #leftOut = new Set<string>()
  /** Links that were left out, {@link MAX_NAMED} of them at most, and how many those are in all. */
  readonly leftOut: OutsideLink[] = []
  leftOutCount = 0

  constructor(allowed: readonly OutsideAllowance[]) {
    this.#allowed = new Set(allowed)
  }

  /**
   * Whether the member comes back; false for a link that is left out. Throws `UNRESTORABLE` for a member that would be
   * written, or lead, outside of the directory.
   */
  check(member: TarMember): boolean {
    const { type, sizeBytes, otherName } = member
    const isFolder = type === '5' || (type !== '1' && type !== '2' && member.name.endsWith('/'))
    const shown = show(member.name)
    if (!KNOWN_TYPES.includes(type)) throw hostile(`${shown} is of an unknown type, ${JSON.stringify(type)}`)
    if (sizeBytes > 0 && (WITHOUT_DATA.includes(type) || isFolder))
      throw hostile(`${shown} has data, which nothing of its type has`)
    const path = this.#insidePath(member.name, 'The member')
    if (type === '3' || type === '4') this.#device(shown)
    const comesBack =
      type === '2'
        ? this.#symbolicLink(path, member.linkName)
        : type !== '1' || this.#hardLink(path, member.linkName)
    // Of two names for one member, each is judged.
    return (otherName === undefined || this.check({ ...nameless(member), name: otherName })) && comesBack
  }

  #device(shown: string): void {
    if (this.#allowed.has('devices')) return
    throw hostile(`${shown} is a device`, DEVICES_HINT)
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

  /** The components of a path. Throws for one that is absolute, climbs, or goes through a link of this archive. */
  #insidePath(name: string, what: string): string[] {
    const shown = show(name)
    if (name === '' || name.includes('\0')) throw hostile(`${what} ${shown} has no proper name`)
    if (name.startsWith('/')) throw hostile(`${what} ${shown} is absolute`)
    const path = componentsOf(name)
    if (path.includes('..')) throw hostile(`${what} ${shown} climbs out of the directory`)
    for (let length = 1; length < path.length; length++) {
      const parent = path.slice(0, length).join('/')
      if (this.#links.has(parent)) throw hostile(`${what} ${shown} goes through the link ${show(parent)}`)
    }
    return path
  }
}

function nameless({ otherName: _other, ...member }: TarMember): TarMember {
  return member
}

/** A name for people; bytes that are UTF-8 are shown as such. */
function show(name: string): string {
  return JSON.stringify(textOf(name.slice(0, 300)))
}

function textOf(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8')
}
