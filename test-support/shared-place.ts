import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A user of the machine who is not root: nobody. */
export const OTHER_USER = 65_534

/** A folder where another user may plant what he likes, and one of root's that he must not reach. */
export interface SharedPlace {
  root: string
  /** Anybody may write here, and rename what others have here. */
  shared: string
  /** Out of the other user's reach; holds the file `key`. */
  precious: string
  /** Runs a script of the shell as the other user, in the shared folder; resolves to what it printed. */
  asOther(script: string): Promise<string>
  close(): Promise<void>
}

export async function openSharedPlace(): Promise<SharedPlace> {
  const root = await mkdtemp(join(tmpdir(), 'shared-'))
  await chmod(root, 0o755)
  const shared = join(root, 'shared')
  const precious = join(root, 'precious')
  await mkdir(shared)
  await chmod(shared, 0o777)
  await mkdir(precious, { mode: 0o700 })
  await writeFile(join(precious, 'key'), 'precious')
  return {
    ...{ root, shared, precious },
    asOther: async script =>
      (await promisify(execFile)(...ofOther('sh', '-ec', script), { cwd: shared })).stdout,
    close: async () => await rm(root, { recursive: true, force: true }),
  }
}

/** A command, to be run with the rights of the other user. */
export function ofOther(...command: string[]): [string, string[]] {
  return ['setpriv', [`--reuid=${OTHER_USER}`, `--regid=${OTHER_USER}`, '--clear-groups', ...command]]
}
