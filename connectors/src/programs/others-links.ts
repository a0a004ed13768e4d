import { lstat, readlink } from 'node:fs/promises'
import { BackupError } from '@telegram-backup/errors'
import { latin1Bytes } from '#programs/held-folder.ts'

/** Linux's own limit for one path. */
const MAX_LINKS = 40
/** Open files of a process: the names in it are links, those of pipes to no path. */
const OPEN_FILES = /^\/proc\/\d+\/(task\/\d+\/)?fd$/

export interface FollowedPath {
  path: Buffer
  /** Links on the way that belong neither to this user nor to root. */
  foreignLinks: { uid: number; place: string }[]
}

/**
 * Follows every link of a path, as `realpath` does; the last name need not exist. An open pipe (`/dev/fd/63`)
 * stays a link. Throws system errors, such as `ENOENT` for a missing folder.
 * @param path absolute
 */
export async function followLinks(path: Buffer): Promise<FollowedPath> {
  const foreignLinks: FollowedPath['foreignLinks'] = []
  // One character for each byte.
  let names = path.toString('latin1').split('/')
  let real = ''
  for (let links = 0; ; ) {
    const name = names.shift()
    if (name === undefined) return { path: latin1Bytes(real || '/'), foreignLinks }
    if (name === '' || name === '.') continue
    if (name === '..') {
      real = real.slice(0, Math.max(0, real.lastIndexOf('/')))
      continue
    }
    const place = `${real}/${name}`
    const facts = await lstat(latin1Bytes(place)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && names.every(rest => rest === '' || rest === '.')) return undefined
      throw error
    })
    if (facts === undefined || !facts.isSymbolicLink()) {
      real = place
      continue
    }
    if (facts.uid !== 0 && facts.uid !== process.geteuid?.())
      foreignLinks.push({ uid: facts.uid, place: latin1Bytes(place).toString() })
    links += 1
    if (links > MAX_LINKS) throw Object.assign(new Error('too many links'), { code: 'ELOOP' })
    const target = (await readlink(latin1Bytes(place), 'buffer')).toString('latin1')
    if (isOpenPipe(real, target)) real = place
    else {
      if (target.startsWith('/')) real = ''
      names = [...target.split('/'), ...names]
    }
  }
}

/**
 * The same for a path to write to. Throws `USAGE` for another user's link: in a shared folder, that user
 * would choose where we write.
 * @param path absolute
 */
export async function linkFreePath(path: Buffer): Promise<Buffer> {
  const { path: followed, foreignLinks } = await followLinks(path)
  const [link] = foreignLinks
  if (link === undefined) return followed
  throw new BackupError(`${link.place} is a link of another user`, {
    code: 'USAGE',
    hint: 'If you want the target of the link, give the path of the target.',
  })
}

function isOpenPipe(folder: string, target: string): boolean {
  return OPEN_FILES.test(folder) && !target.startsWith('/')
}

/** Whether a folder holds the open files of a process. */
export function holdsOpenFiles(folder: Buffer): boolean {
  return OPEN_FILES.test(folder.toString('latin1'))
}
