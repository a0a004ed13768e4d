import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants, openSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  type DirectorySource,
  openDirectorySource,
} from '@telegram-backup/connectors/directory/pack/tar-source.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openSendBench, type SendBench } from '#test/send-bench.ts'

const run = promisify(execFile)
/**
 * Who owns the folder of logs and has no other right; where the tests do not run as root, whoever runs them.
 */
const OTHERS = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
const LAUNCHER = fileURLToPath(import.meta.resolve('#launcher'))
const SECRET = 'what only root may read'
let bench: SendBench
/** The directory that is backed up. */
let directory: string
/** Outside of it, with files of the same names. */
let elsewhere: string
let count = 0

beforeAll(async () => {
  bench = await openSendBench()
})

afterAll(async () => {
  await bench.close()
})

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'swapped-test-'))
  elsewhere = await mkdtemp(join(tmpdir(), 'swapped-test-'))
  for (const [folder, text] of [
    [directory, 'the log'],
    [elsewhere, SECRET],
  ] as const) {
    await mkdir(join(folder, 'sub', 'deeper'), { recursive: true })
    for (const name of ['sub/x.log', 'sub/deeper/y.log']) await writeFile(join(folder, name), text)
  }
  if (OTHERS.uid !== undefined) await run('chown', ['--recursive', `${OTHERS.uid}:${OTHERS.gid}`, directory])
  await chmod(elsewhere, 0o700)
})

afterEach(async () => {
  for (const folder of [directory, elsewhere]) await rm(folder, { recursive: true })
})

/** Exchanges a folder of the logs for a link to the one of the same name elsewhere. */
function swap(folder: string): void {
  const commands = 'mv "$1" "$1.old" && ln -s "$2" "$1"'
  const args = [join(directory, folder), join(elsewhere, folder)]
  execFileSync('sh', ['-c', commands, 'sh', ...args], { ...OTHERS })
}

/** What is in the files of a tar, without the large one. */
async function contentsOf(tar: Buffer): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(bench.vault.folder, 'unpacked-'))
  await writeFile(join(folder, 'tar'), tar)
  const { stdout } = await run('tar', ['-tf', join(folder, 'tar')])
  const names = stdout.split('\n').filter(name => name !== '' && name !== './large.log')
  return Object.fromEntries(
    names.map(name => [
      name,
      execFileSync('tar', ['-xOf', join(folder, 'tar'), name], { encoding: 'latin1' }),
    ]),
  )
}

describe('a folder of logs that its owner exchanges for a link', () => {
  it.each(['sub', 'sub/deeper'])('after the search (%s) brings nothing from elsewhere', async folder => {
    // tar is in the middle of this one while the chat is slow.
    await writeFile(join(directory, 'large.log'), randomBytes(4_000_000))
    const sent = await bench.send(
      ['--project', `swapped-${++count}`, '--type', 'logs', '--directory', directory, '--include', '*.log'],
      { during: () => swap(folder) },
    )
    const plain = await bench.fetch(sent.report)
    expect(plain.includes(SECRET), 'a file from elsewhere is in the backup').toBe(false)
    expect(sent.code, sent.stderr).toBe(0)
    // The folders that were found are read, whatever they are called by now.
    expect(await contentsOf(plain)).toEqual({ './sub/x.log': 'the log', './sub/deeper/y.log': 'the log' })
  })

  it.each([
    ['sub', {}],
    ['sub/deeper', { './sub/x.log': 'the log' }],
  ])('in the middle of the search (%s) brings nothing from elsewhere', async (folder, rest) => {
    await writeFile(join(elsewhere, folder, 'only-there.log'), SECRET)
    const { signal } = new AbortController()
    // Asked for each name that was listed, before anything is done with it: the folder has been seen, not yet
    // entered.
    let isSwapped = false
    vi.spyOn(signal, 'throwIfAborted').mockImplementation(() => {
      const isListed = folder === 'sub' || enteredSub()
      if (isListed && !isSwapped) swap(folder)
      isSwapped ||= isListed
    })
    let asked = 0
    const enteredSub = (): boolean => ++asked > 1
    const source = await openDirectorySource(directory, {
      exclude: [],
      oneFileSystem: false,
      allow: ['vanished', 'empty'],
      mayGrow: true,
      proof: 'off',
      logs: { include: [] },
      signal,
    })
    const plain = await readAll(source)
    expect(isSwapped).toBe(true)
    expect(plain.includes(SECRET), 'a file from elsewhere is in the backup').toBe(false)
    expect(plain.includes('only-there'), 'a name from elsewhere is in the backup').toBe(false)
    expect(await contentsOf(plain)).toEqual(rest)
    expect(source.skipped).toEqual([{ path: folder, reason: 'vanished' }])
  })
})

it('logs in more folders than may be open are refused with the way out, and nothing is left', async () => {
  for (let index = 0; index < 300; index += 1) {
    await mkdir(join(directory, `folder-${index}`))
    await writeFile(join(directory, `folder-${index}`, 'x.log'), '')
  }
  const args = [
    '--project',
    'folders',
    '--type',
    'logs',
    '--directory',
    directory,
    '--include',
    '*',
    '--json',
  ]
  const command = ['ulimit -n 200; exec "$@"', 'sh', process.execPath, LAUNCHER, 'send', ...args]
  const env = { PATH: process.env['PATH'] ?? '', ...bench.env }
  const { code, stdout } = await run('sh', ['-c', ...command], { env }).catch(error => error)
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    code: 'SOURCE',
    error: expect.stringContaining('EMFILE'),
    hint: expect.stringContaining('ulimit -n'),
  })
  expect(await readdir(bench.env['TMPDIR'] ?? '')).toEqual([])
})

/** All that its tar writes, to its end. */
async function readAll(source: DirectorySource): Promise<Buffer> {
  try {
    const { fd } = source.archiveSource as { fd: number }
    // Its own descriptor stays open until it is closed by the source.
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
    const bytes = await buffer(new Socket({ fd: own, readable: true, writable: false }))
    await source.finish?.(bytes.length)
    return bytes
  } finally {
    await source.close?.()
  }
}
