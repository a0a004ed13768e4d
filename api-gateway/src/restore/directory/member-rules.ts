import { hostile } from '#restore/directory/tar-fields.ts'

/** What may come back although it reaches out of the directory; for trees of one's own. */
export type OutsideAllowance = 'outside-links' | 'devices'

/** A member of a tar file, with its names as tar will use them; latin1, one character for each byte. */
export interface TarMember {
  name: string
  linkName: string
  type: string
  sizeBytes: number
  /** Where it begins in the tar file, with its extended headers. */
  offset: number
}

/** The types that tar makes a file, a link or a folder of; 7 and S are files as well. */
const KNOWN_TYPES = '01234567S'
const WITHOUT_DATA = '123456'

/** Judges the members of one archive, in their order. */
export class MemberRules {
  readonly #allowed: ReadonlySet<OutsideAllowance>
  /** Names that are symbolic links by now, or were. */
  readonly #links = new Set<string>()

  constructor(allowed: readonly OutsideAllowance[]) {
    this.#allowed = new Set(allowed)
  }

  /** Throws `UNRESTORABLE` for a member that would be written, or lead, outside of the directory. */
  check(member: TarMember): void {
    const { type, sizeBytes } = member
    const isFolder = type === '5' || (type !== '1' && type !== '2' && member.name.endsWith('/'))
    const shown = show(member.name)
    if (!KNOWN_TYPES.includes(type)) throw hostile(`${shown} is of an unknown type, ${JSON.stringify(type)}`)
    if (sizeBytes > 0 && (WITHOUT_DATA.includes(type) || isFolder))
      throw hostile(`${shown} has data, which nothing of its type has`)
    const path = this.#insidePath(member.name, 'The member')
    if (type === '3' || type === '4') this.#device(shown)
    if (type === '2') this.#symbolicLink(path, member.linkName)
    if (type === '1') this.#hardLink(path, member.linkName)
  }

  #device(shown: string): void {
    if (this.#allowed.has('devices')) return
    throw hostile(`${shown} is a device`, 'Give --allow devices if the tree is your own.')
  }

  #symbolicLink(path: string[], target: string): void {
    if (path.length === 0) throw hostile('The directory itself is a symbolic link')
    this.#links.add(path.join('/'))
    if (this.#allowed.has('outside-links') || staysInside(path, target)) return
    throw hostile(
      `The link ${show(path.join('/'))} leads out of the directory, to ${show(target)}`,
      'Give --allow outside-links if the tree is your own; nothing is ever written through a link.',
    )
  }

  #hardLink(path: string[], target: string): void {
    const targetPath = this.#insidePath(target, 'The hard link')
    if (this.#links.has(targetPath.join('/'))) this.#links.add(path.join('/'))
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

function componentsOf(name: string): string[] {
  return name.split('/').filter(component => component !== '' && component !== '.')
}

/**
 * Whether the target lies inside, wherever its own components lead: a `..` counts as a step up from the link's folder
 * only where no name comes before it, since a name may be a link and lead elsewhere.
 */
function staysInside(path: readonly string[], target: string): boolean {
  if (target === '' || target.startsWith('/')) return false
  const steps = componentsOf(target)
  const climbs = steps.findIndex(step => step !== '..')
  const up = climbs < 0 ? steps.length : climbs
  return up < path.length && !steps.slice(up).includes('..')
}

/** A name for people; bytes that are UTF-8 are shown as such. */
function show(name: string): string {
  return JSON.stringify(Buffer.from(name.slice(0, 300), 'latin1').toString('utf8'))
}
