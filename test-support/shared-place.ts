import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The user nobody. */
export const OTHER_USER = 65_534

/** A folder that another user can write, and a folder of root that he must not reach. */
export interface SharedPlace {
  root: string
  /** Every user may write here, and rename the files of others. */
  shared: string
  /** Only for root; holds the file `key`. */
  precious: string
  /** Runs a shell script as the other user in the shared folder; returns its output. */
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

/** The arguments of `execFile` that run a command as the other user. */
function ofOther(...command: string[]): [string, string[]] {
  return ['setpriv', [`--reuid=${OTHER_USER}`, `--regid=${OTHER_USER}`, '--clear-groups', ...command]]
}

/** Starts JavaScript as the other user in the folder `cwd`; resolves when it runs. The caller kills it. */
export async function attack(script: string, cwd: string): Promise<ChildProcess> {
  const child = spawn(...ofOther(process.execPath, '-e', `process.stdout.write('ready');${script}`), {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
  return child
}

/** Waits for the end of a process, which may be over. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
