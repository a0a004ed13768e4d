import { access, constants, lstat, readdir } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { assertNamed, type FoundSource, type TypedPlace } from '#connector.ts'

interface Candidate {
  path: string
  shown: string
  /** Whether a first backup should have it without a question. */
  isUsual: boolean
}

/** The folders of a Linux server that are not in its packages. */
const CANDIDATES: readonly Candidate[] = [
  // Other users than root may not read all of it, and a backup with holes would fail.
  { path: '/etc', shown: 'configuration of this machine', isUsual: process.geteuid?.() === 0 },
  { path: '/var/www', shown: 'web sites', isUsual: true },
  { path: '/srv', shown: 'data of services', isUsual: false },
  { path: '/home', shown: 'home directories', isUsual: false },
  { path: '/var/lib/docker/volumes', shown: 'Docker volumes', isUsual: false },
]

/** Folders of this machine that this user may read, and that hold something. */
export async function findDirectories(): Promise<FoundSource[]> {
  const found = await Promise.all(
    CANDIDATES.map(async ({ path, shown, isUsual }) =>
      (await isWorthwhile(path)) ? [{ place: path, shown: `${path}, ${shown}`, isUsual }] : [],
    ),
  )
  return found.flat()
}

async function isWorthwhile(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isDirectory()) return false
    await access(path, constants.R_OK | constants.X_OK)
    return (await readdir(path)).length > 0
  } catch {
    return false
  }
}

/** The working folder counts now; later, it may be another one. Throws `USAGE` for an empty path. */
export function readTypedPath(typed: string): TypedPlace {
  assertNamed(typed, '--directory')
  const place = resolve(typed)
  return { place, name: basename(place) || 'root' }
}
