import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Root can read every file. For root, this makes a tar without that right in `folder`; returns the PATH for
 * it.
 */
export async function tarWithoutPrivilege(folder: string): Promise<Record<string, string>> {
  if (process.getuid?.() !== 0) return {}
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  const tar = execFileSync('which', ['tar'], { encoding: 'utf8' }).trim()
  const script = `#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search ${tar} "$@"\n`
  await writeFile(join(bin, 'tar'), script, { mode: 0o755 })
  return { PATH: `${bin}:${process.env['PATH']}` }
}
