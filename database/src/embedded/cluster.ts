import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CatalogError } from '#catalog-error.ts'
import { CLEAN_ENVIRONMENT } from '#embedded/clean-environment.ts'
import { endedWith } from '#embedded/last-words.ts'
import { identify, killProcessesIn } from '#embedded/processes.ts'
import type { ServerUser } from '#embedded/server-user.ts'
import { sync } from '#embedded/sync.ts'

/** The superuser of the catalog's server; all clients log in with this name. */
export const CATALOG_USER = 'catalog'

const ATTEMPTS = 3

/**
 * On Linux the programs start inside the data folder and name it by this link. So neither the rights of the
 * folders above nor the length of the path matter (a socket's path ends after 107 bytes). Elsewhere: the path
 * itself.
 */
export function nameFromInside(dataFolder: string): string {
  return existsSync('/proc/self/cwd') ? '/proc/self/cwd' : dataFolder
}

/**
 * Makes a data folder, which gets its name when it is whole; removes the remains of a killed initdb first. To
 * be called under the mutex. CatalogError CATALOG when initdb fails.
 */
export async function createCluster(
  binaries: string,
  dataFolder: string,
  { user, superuser }: { user: ServerUser; superuser: string },
): Promise<void> {
  const stateFolder = dirname(dataFolder)
  for (let attempt = 1; ; attempt++) {
    await removeLeftovers(stateFolder, `${basename(dataFolder)}.new-`)
    const unfinished = `${dataFolder}.new-${randomUUID().slice(0, 8)}`
    mkdirSync(unfinished, { mode: 0o700 })
    if (user.spawnAs) chownSync(unfinished, user.spawnAs.uid, user.spawnAs.gid)
    const killedBy = await runInitdb(join(binaries, 'bin', 'initdb'), unfinished, { user, superuser })
    if (killedBy === null) {
      renameSync(unfinished, dataFolder)
      sync(stateFolder)
      return
    }
    if (attempt === ATTEMPTS) throw new CatalogError(`initdb was killed by ${killedBy}`, { code: 'CATALOG' })
  }
}

async function removeLeftovers(stateFolder: string, prefix: string): Promise<void> {
  for (const name of readdirSync(stateFolder).filter(entry => entry.startsWith(prefix))) {
    const path = join(stateFolder, name)
    const data = identify(path)
    // The children of a killed initdb go on for a moment and would write into the folder being deleted.
    if (data) await killProcessesIn(data)
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Returns the signal that killed initdb, or null for success. */
async function runInitdb(
  program: string,
  data: string,
  { user, superuser }: { user: ServerUser; superuser: string },
): Promise<NodeJS.Signals | null> {
  const settings = ['-E', 'UTF8', '--locale-provider=builtin', '--locale=C', '--builtin-locale=C.UTF-8']
  settings.push('-A', 'peer', '--data-checksums', '--wal-segsize=4')
  const child = spawn(program, ['-D', nameFromInside(data), '-U', superuser, ...settings], {
    ...user.spawnAs,
    cwd: data,
    env: CLEAN_ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    complaint += text
  })
  const { promise, resolve, reject } = Promise.withResolvers<NodeJS.Signals | null>()
  child.on('error', error => reject(cannotRun(error)))
  child.on('close', (code, killedBy) => {
    if (code === 0 || killedBy) resolve(killedBy)
    else reject(endedWith('initdb', complaint, dirname(data)))
  })
  return await promise
}

/** The error for a program of PostgreSQL that could not be started. */
export function cannotRun(error: unknown): CatalogError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const hints: Record<string, string> = {
    EACCES:
      'The folder of its programs may be mounted noexec: choose another state folder, or set DATABASE_URL.',
    // The kernel says ENOENT for a missing loader, and musl has another one.
    ENOENT: 'It needs glibc 2.27 or newer; on Alpine and the like set DATABASE_URL.',
  }
  return new CatalogError(`The embedded PostgreSQL cannot be run (${String(code)})`, {
    code: 'CONFIGURATION',
    hint: hints[String(code)] ?? 'Set DATABASE_URL to use another PostgreSQL.',
    cause: error,
  })
}

/**
 * The owner of the state folder and root may log in, known by their user id on the socket, so there is no
 * password to keep. Written at each start, since the folder may have moved to another machine or user.
 */
export function writeAccessRules(
  dataFolder: string,
  { clientName, logins }: { clientName: string; logins: readonly string[] },
): void {
  writeAnew(join(dataFolder, 'pg_hba.conf'), 'local all all peer map=owner\n')
  const clients = new Set(['root', clientName])
  writeAnew(
    join(dataFolder, 'pg_ident.conf'),
    [...clients].flatMap(name => logins.map(login => `owner "${name}" ${login}\n`)).join(''),
  )
}

// The server's user owns the folder and could have put a link there: root must not write through it.
function writeAnew(path: string, text: string): void {
  rmSync(path, { force: true })
  writeFileSync(path, text, { flag: 'wx', mode: 0o644 })
}
