import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const DEBIAN_VERSIONS = '/usr/lib/postgresql'

/** The newest pg_dump on the PATH or in Debian's versioned folders. A missing one is a warning: files need none. */
export async function findPgDump(signal: AbortSignal): Promise<{ message: string; warning?: string }> {
  const versions = await readdir(DEBIAN_VERSIONS).catch(() => [])
  const candidates = ['pg_dump', ...versions.map(version => `${DEBIAN_VERSIONS}/${version}/bin/pg_dump`)]
  const found = (await Promise.all(candidates.map(program => askVersion(program, signal)))).flatMap(
    version => version ?? [],
  )
  const newest = found.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0]
  if (newest !== undefined) return { message: `version ${newest}` }
  return {
    message: 'not found',
    warning:
      'Only needed to dump PostgreSQL: install a client at least as new as the server (Debian: postgresql-client).',
  }
}

async function askVersion(program: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { signal, timeout: 10_000 })
    const [, version] = /(\d+(?:\.\d+)?)/.exec(stdout) ?? []
    return version
  } catch {
    return undefined
  }
}
