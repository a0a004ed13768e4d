import { chmod, cp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findClientPrograms } from '@telegram-backup/connectors/postgres/client-programs.ts'

/** The major version of the sample's server: old enough for the client programs of most machines. */
const MAJOR = 15

/** PostgreSQL's server programs for this machine, or why the sample has no server. */
export type ServerPrograms = { folder: string } | { missing: string }

/**
 * Finds the server of the sample database, which npm has installed. A dump needs client programs of at least
 * its version; without them, a server would serve nothing.
 */
export async function findServerPrograms(signal: AbortSignal): Promise<ServerPrograms> {
  for (const name of ['pg_dump', 'psql'] as const) {
    const [newest] = await findClientPrograms(name, signal)
    if (newest === undefined) return { missing: `${name} is not installed` }
    if (newest.major < MAJOR)
      return { missing: `${name} ${newest.version} is older than PostgreSQL ${MAJOR}` }
  }
  const name = `sample-postgres-${process.platform}-${process.arch}`
  try {
    const root = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    return { folder: join(root, 'native') }
  } catch {
    return { missing: `npm has installed no server for ${process.platform}-${process.arch}` }
  }
}

/**
 * Copies the programs (58 MB) into a folder of the sample, and makes the links that npm leaves out. Other
 * users can enter that folder: PostgreSQL never runs as root.
 */
export async function copyServerPrograms(from: string, to: string): Promise<void> {
  const unfinished = `${to}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(await readFile(join(from, 'pg-symlinks.json'), 'utf8')) as Array<{
    source: string
    target: string
  }>
  for (const { source, target } of links) {
    const link = join(unfinished, target.replace(/^native\//, ''))
    await rm(link, { force: true })
    await symlink(basename(source), link)
  }
  for (const program of ['initdb', 'postgres']) await chmod(join(unfinished, 'bin', program), 0o755)
  await rename(unfinished, to)
}
