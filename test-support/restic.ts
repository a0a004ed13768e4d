import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How a run of restic ended. */
export interface ResticRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** restic on one repository. */
export interface Restic {
  /** Runs it to its end; `onStart` is told its process id. */
  run(args: readonly string[], options?: { onStart?: (pid: number) => void }): Promise<ResticRun>
  /** The same, and throws with restic's own words unless it ends with 0. */
  succeed(...args: string[]): Promise<string>
}

/** A place for restic: `rest:http://USER:KEY@HOST/restic/BUCKET/`, or a folder. `cache` is made and belongs to it. */
export function resticOn(repository: string, of: { password: string; cache: string }): Restic {
  const run: Restic['run'] = (args, { onStart } = {}) => {
    const child = spawn('restic', args, {
      env: {
        PATH: process.env['PATH'] ?? '',
        RESTIC_REPOSITORY: repository,
        RESTIC_PASSWORD: of.password,
        RESTIC_CACHE_DIR: of.cache,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (child.pid !== undefined) onStart?.(child.pid)
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    return new Promise((resolve, reject) => {
      child.once('error', () => reject(new Error('This test needs restic: apt-get install restic')))
      child.once('close', code => resolve({ code, stdout, stderr }))
    })
  }
  return {
    run,
    succeed: async (...args) => {
      const { code, stdout, stderr } = await run(args)
      if (code !== 0) throw new Error(`restic ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)
      return stdout
    },
  }
}

/** Some files as people have them: large, small, empty, and with odd names. */
export async function writeHomeFolder(folder: string, mebibytes: number): Promise<void> {
  await mkdir(join(folder, 'Dokumente', 'ä und ein Leerzeichen'), { recursive: true })
  await writeFile(join(folder, 'empty'), '')
  await writeFile(join(folder, 'Dokumente', "it's a $name.txt"), 'words\n'.repeat(5_000))
  await writeFile(join(folder, 'Dokumente', 'ä und ein Leerzeichen', '-rf'), randomBytes(70_000))
  for (let number = 0; number < 100; number++)
    await writeFile(join(folder, 'Dokumente', `note-${number}`), randomBytes(3_000 + number))
  for (let number = 0; number < mebibytes / 4; number++)
    await writeFile(join(folder, `large-${number}`), randomBytes(4 * 2 ** 20))
}

/** Another content for about so many of a hundred of its large files. */
export async function changeHomeFolder(folder: string, percent: number): Promise<void> {
  const large = (await readdir(folder)).filter(name => name.startsWith('large-'))
  const count = Math.max(1, Math.round((large.length * percent) / 100))
  for (const name of large.slice(0, count)) await writeFile(join(folder, name), randomBytes(4 * 2 ** 20))
  await rm(join(folder, 'Dokumente', 'note-7'), { force: true })
  await writeFile(join(folder, 'new'), randomBytes(10_000))
}
