import { execFile } from 'node:child_process'
import { readdir, realpath } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import { bareEnvironment, type Environment } from '#programs/environment.ts'

export interface ClientProgram {
  /** Absolute. */
  path: string
  major: number
  version: string
  /** It is in the folder that `TELEGRAM_BACKUP_PG_BIN` names, and so preferred. */
  isNamed: boolean
}

/** Where packages install several versions, off the PATH: Debian, Red Hat, Alpine, Homebrew. */
const VERSIONED_FOLDERS: ReadonlyArray<{ parent: string; name: RegExp; bin: string }> = [
  { parent: '/usr/lib/postgresql', name: /^\d+$/, bin: 'bin' },
  { parent: '/usr', name: /^pgsql-\d+$/, bin: 'bin' },
  { parent: '/usr/libexec', name: /^postgresql\d+$/, bin: '' },
  { parent: '/opt/homebrew/opt', name: /^(postgresql(@\d+)?|libpq)$/, bin: 'bin' },
]

/** The folder that TELEGRAM_BACKUP_PG_BIN names. Throws `CONFIGURATION` for a relative one. */
export function readPostgresPrograms(environment: Environment = process.env): string | undefined {
  const folder = environment['TELEGRAM_BACKUP_PG_BIN']?.trim()
  if (!folder) return undefined
  if (isAbsolute(folder)) return folder
  throw new BackupError('TELEGRAM_BACKUP_PG_BIN is not an absolute path', {
    code: 'CONFIGURATION',
    hint: 'Name the folder from the root on, for example /usr/lib/postgresql/17/bin.',
  })
}

/** All installed versions: that of `TELEGRAM_BACKUP_PG_BIN`, then the newest first. Throws what it throws. */
export async function findClientPrograms(
  name: 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql',
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
  // Debian's wrapper chooses by rules of its own; the programs that it calls are in the versioned folders.
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

/** The first of them. Throws `CONFIGURATION` when there is none. */
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

/**
 * The named program if it is new enough for the server, else the oldest that is: a server may not know
 * settings in dumps of a newer one. Throws `CONFIGURATION`.
 * @param installed the newest first
 */
export function choosePgDump(
  installed: readonly ClientProgram[],
  serverMajor: number,
  name: 'pg_dump' | 'pg_dumpall' = 'pg_dump',
): ClientProgram {
  const able = installed.filter(program => program.major >= serverMajor)
  const nearestMajor = Math.min(...able.map(({ major }) => major))
  const chosen = able.find(program => program.isNamed) ?? able.find(program => program.major === nearestMajor)
  if (chosen) return chosen
  const [newest] = installed
  throw new BackupError(
    newest
      ? `The server is PostgreSQL ${serverMajor}, and the newest ${name} installed here is ${newest.version}`
      : `${name} is not installed`,
    {
      code: 'CONFIGURATION',
      hint: `Install a ${name} at least as new as the server, for example: apt-get install postgresql-client-${serverMajor}`,
    },
  )
}

/** The first minor releases whose psql knows `\restrict`, by major version; from 18 on all do. */
const RESTRICT_SINCE: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

/** Whether this psql can be kept from obeying its input (CVE-2025-8714); false for a beta. */
export function knowsRestrict({ major, version }: Pick<ClientProgram, 'major' | 'version'>): boolean {
  const minor = /^\d+\.(\d+)/.exec(version)?.[1]
  if (minor === undefined) return false
  return major >= 18 || Number(minor) >= (RESTRICT_SINCE[major] ?? Number.POSITIVE_INFINITY)
}

async function askVersion(
  path: string,
  signal: AbortSignal | undefined,
): Promise<Pick<ClientProgram, 'major' | 'version'> | undefined> {
  const answer = await promisify(execFile)(path, ['--version'], {
    env: bareEnvironment(),
    timeout: 10_000,
    signal,
  }).catch(() => undefined)
  const version = /\(PostgreSQL\) (\d+[\w.]*)/.exec(answer?.stdout ?? '')?.[1]
  return version === undefined ? undefined : { major: Number.parseInt(version, 10), version }
}
