import { execFile } from 'node:child_process'
import { readdir, realpath } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import { bareEnvironment, type Environment } from '#programs/environment.ts'

/** A program of PostgreSQL's client, as it is installed here. */
export interface ClientProgram {
  /** Absolute. */
  path: string
  /** The major version, for example 17. */
  major: number
  /** For example `17.6`. */
  version: string
  /** It is in the folder that `TELEGRAM_BACKUP_PG_BIN` names, and so comes before all others. */
  isNamed: boolean
}

/** Where packages put several versions side by side, off the PATH: Debian, Red Hat, Alpine, Homebrew. */
const VERSIONED_FOLDERS: ReadonlyArray<{ parent: string; name: RegExp; bin: string }> = [
  { parent: '/usr/lib/postgresql', name: /^\d+$/, bin: 'bin' },
  { parent: '/usr', name: /^pgsql-\d+$/, bin: 'bin' },
  { parent: '/usr/libexec', name: /^postgresql\d+$/, bin: '' },
  { parent: '/opt/homebrew/opt', name: /^(postgresql(@\d+)?|libpq)$/, bin: 'bin' },
]

/** TELEGRAM_BACKUP_PG_BIN: the folder of PostgreSQL's client programs that comes before all others; absolute. Throws `CONFIGURATION` for one that depends on the working folder. */
export function readPostgresPrograms(environment: Environment = process.env): string | undefined {
  const folder = environment['TELEGRAM_BACKUP_PG_BIN']?.trim()
  if (!folder) return undefined
  if (isAbsolute(folder)) return folder
  throw new BackupError('TELEGRAM_BACKUP_PG_BIN is no absolute path', {
    code: 'CONFIGURATION',
    hint: 'Name the folder from the root on, for example /usr/lib/postgresql/17/bin.',
  })
}

/**
 * All versions that are installed, that of `TELEGRAM_BACKUP_PG_BIN` first, then the newest; none is an empty list. Throws
 * `CONFIGURATION` when that variable is no absolute path.
 */
export async function findClientPrograms(
  name: 'pg_dump' | 'pg_restore' | 'psql',
  signal?: AbortSignal,
): Promise<ClientProgram[]> {
  const named = readPostgresPrograms()
  const namedPath = named && join(named, name)
  const onPath = (bareEnvironment()['PATH'] ?? '').split(':').filter(isAbsolute)
  const versioned = await Promise.all(
    VERSIONED_FOLDERS.map(async ({ parent, name: form, bin }) =>
      (await readdir(parent).catch(() => []))
        .filter(entry => form.test(entry))
        .map(entry => join(parent, entry, bin)),
    ),
  )
  const found = await Promise.all(
    [...versioned.flat(), ...onPath].map(folder => realpath(join(folder, name)).catch(() => undefined)),
  )
  // Debian's wrapper chooses by rules of its own; what it would call lies in a versioned folder, and is found there.
  const paths = new Set(
    [namedPath, ...found].filter(path => path !== undefined).filter(path => basename(path) !== 'pg_wrapper'),
  )
  const programs = await Promise.all(
    [...paths].map(async path => {
      const version = await askVersion(path, signal)
      return version && { ...version, path, isNamed: path === namedPath }
    }),
  )
  signal?.throwIfAborted()
  return programs
    .filter(program => program !== undefined)
    .sort(
      (a, b) =>
        Number(b.isNamed) - Number(a.isNamed) || b.version.localeCompare(a.version, 'en', { numeric: true }),
    )
}

/** The first of them. Throws `CONFIGURATION` with what to install when there is none. */
export async function newestClientProgram(
  name: 'pg_dump' | 'pg_restore' | 'psql',
  signal?: AbortSignal,
): Promise<ClientProgram> {
  const [newest] = await findClientPrograms(name, signal)
  if (newest !== undefined) return newest
  throw new BackupError(`${name} is not installed`, {
    code: 'CONFIGURATION',
    hint: 'Install the PostgreSQL client, for example: apt-get install postgresql-client',
  })
}

async function askVersion(
  path: string,
  signal: AbortSignal | undefined,
): Promise<Pick<ClientProgram, 'major' | 'version'> | undefined> {
  const answer = await promisify(execFile)(path, ['--version'], {
    env: bareEnvironment(),
    timeout: 10_000,
    ...(signal ? { signal } : {}),
  }).catch(() => undefined)
  const version = /\(PostgreSQL\) (\d+[\w.]*)/.exec(answer?.stdout ?? '')?.[1]
  return version === undefined ? undefined : { major: Number.parseInt(version, 10), version }
}
