import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'

/** The real restic with a repository, a password and a cache of its own. */
export interface Restic {
  /** Runs it; throws unless it succeeds. Returns what it printed. */
  run(args: readonly string[], options?: { cwd?: string }): Promise<string>
  /** The same with another exit code. */
  fails(args: readonly string[], code?: number): Promise<string>
  /** Starts it. */
  start(args: readonly string[]): ChildProcess
  env: Record<string, string>
}

const PASSWORD = 'a password of a test'

/** @param of.client a name: each has a cache of its own, as another machine would */
export function resticAt(repository: string, of: { folder: string; client?: string }): Restic {
  const { folder, client = 'client' } = of
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: PASSWORD,
    RESTIC_FROM_PASSWORD: PASSWORD,
    RESTIC_CACHE_DIR: join(folder, `cache-${client}`),
    RESTIC_PROGRESS_FPS: '0.1',
  }
  const start = (args: readonly string[], cwd?: string): ChildProcess =>
    spawn('restic', args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = async (
    args: readonly string[],
    { code = 0, cwd }: { code?: number; cwd?: string },
  ): Promise<string> => {
    const child = start(args, cwd)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    const ends = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve)
    })
    expect(ends, `restic ${args.join(' ')}: ${said}`).toBe(code)
    return said
  }
  return {
    env,
    start: args => start(args),
    run: (args, options = {}) => ended(args, options),
    fails: (args, code = 1) => ended(args, { code }),
  }
}

const MIB = 1024 ** 2

/**
 * 203 MiB in 394 files, as people have them: some that hardly compress, many that do, and small ones. restic
 * makes some 130 MiB of them.
 */
export async function writeFiles(folder: string): Promise<void> {
  for (let count = 0; count < 64; count++) await writeUnder(folder, `photos/${count}.jpg`, photo(count))
  for (let count = 0; count < 30; count++) await writeUnder(folder, `logs/${count}.log`, logOf(count))
  for (let count = 0; count < 300; count++) {
    await writeUnder(folder, `notes/${count % 10}/${count}.txt`, randomBytes(5_000).toString('hex'))
  }
}

/** Other bytes in about one file of a hundred, two megabytes in all. */
export async function changeFiles(folder: string): Promise<void> {
  await writeUnder(folder, 'photos/7.jpg', randomBytes(MIB))
  for (let count = 0; count < 4; count++) {
    await writeUnder(folder, `notes/3/${count * 10 + 3}.txt`, randomBytes(100_000).toString('hex'))
  }
}

async function writeUnder(folder: string, path: string, bytes: Buffer | string): Promise<void> {
  const file = join(folder, path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, bytes)
}

function photo(count: number): Buffer {
  return randomBytes(MIB + (count % 16) * 120_000)
}

/** 2.7 MiB of lines, of which some eight characters in a hundred cannot be foreseen. */
function logOf(count: number): Buffer {
  const lines: string[] = []
  for (let line = 0; line < 28_000; line++) {
    const id = randomBytes(4).toString('hex')
    lines.push(
      `2026-11-02T10:00:${count} app[${count}]: request ${id} line ${line} was answered with 200 in time, as ever`,
    )
  }
  return Buffer.from(lines.join('\n'))
}
