import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SentSource } from '@telegram-backup/engine/operations/backup.ts'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { tarWithoutPrivilege } from '@telegram-backup/test-support/unprivileged-tar.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'
import {
  expectTakenBack,
  openSendBench,
  processesOf,
  type SendBench,
  type SendOptions,
  type SentRun,
} from '#test/send-bench.ts'

const run = promisify(execFile)
let bench: SendBench
/** The directory that is backed up. */
let directory: string
let project: string
let count = 0

beforeAll(async () => {
  bench = await openSendBench()
})

afterAll(async () => {
  await bench.close()
})

beforeEach(async () => {
  project = `tree-${++count}`
  directory = await mkdtemp(join(tmpdir(), 'directory-test-'))
  await chmod(directory, 0o755)
})

afterEach(async () => {
  expect(await processesOf('tar', directory), 'no tar is left').toEqual([])
  await chmod(join(directory, 'closed'), 0o700).catch(() => {})
  await rm(directory, { recursive: true })
})

function send(more: readonly string[] = [], options: SendOptions & { type?: string } = {}): Promise<SentRun> {
  const { type = 'storage', ...rest } = options
  return bench.send(['--project', project, '--type', type, '--directory', directory, ...more], rest)
}

/** The names in a backup, as tar lists them. */
async function namesIn(report: SentSource): Promise<string[]> {
  const path = join(bench.vault.folder, 'listed.tar')
  await writeFile(path, await bench.fetch(report))
  return (await run('tar', ['-tf', path])).stdout.split('\n').filter(Boolean)
}

describe('what cannot be read as it was', () => {
  beforeEach(async () => {
    // tar is in the middle of this one while the chat is slow.
    await writeFile(join(directory, 'a-large'), randomBytes(4_000_000))
    await writeFile(join(directory, 'z-last'), 'last')
  })

  const CASES = [
    {
      reason: 'vanished',
      path: 'z-last',
      during: () => rm(join(directory, 'z-last')),
      names: ['./', './a-large'],
    },
    {
      reason: 'changed',
      path: 'a-large',
      during: () => appendFile(join(directory, 'a-large'), 'more'),
      names: ['./', './a-large', './z-last'],
    },
    {
      reason: 'changed',
      path: 'a-large',
      during: () => truncate(join(directory, 'a-large'), 3_999_990),
      names: ['./', './a-large', './z-last'],
    },
  ]

  it.each(CASES)('$reason: fails the backup, which is taken back', async ({ during, path, reason }) => {
    const sent = await send([], { during })
    expect(sent.code).toBe(1)
    expect(sent.report).toMatchObject({
      code: 'SOURCE',
      error: expect.stringContaining(path),
      hint: expect.stringContaining(`--allow ${reason}`),
    })
    expect(await expectTakenBack(bench, sent, project)).toBe(1)
  })

  it.each(CASES)(
    '$reason: with --allow $reason it is backed up in part, and listed',
    async ({ during, path, reason, names }) => {
      const sent = await send(['--allow', `${reason}`], { during })
      expect(sent.code).toBe(3)
      expect(sent.report).toMatchObject({ success: true, skipped: [{ path, reason }] })
      expect(await namesIn(sent.report)).toEqual(names)
      const { source } = await bench.show(sent.report.databaseRecord?.id ?? '')
      expect(source).toMatchObject({ skipped: [{ path, reason }], skipped_count: 1 })
    },
  )

  it('unreadable: fails, or is left out where that is allowed', async () => {
    // Nothing has to happen meanwhile.
    await truncate(join(directory, 'a-large'), 200_000)
    await writeFile(join(directory, 'secret'), 's', { mode: 0o000 })
    await mkdir(join(directory, 'closed'), { mode: 0o000 })
    const env = await tarWithoutPrivilege(bench.vault.folder)
    const refused = await send([], { env })
    expect(refused.code).toBe(1)
    expect(refused.report.error).toMatch(/(secret|closed) cannot be read/)
    expect(await expectTakenBack(bench, refused, project)).toBe(1)
    const sent = await send(['--allow', 'vanished', '--allow', 'unreadable'], { env })
    expect(sent.code).toBe(3)
    expect(sent.report.skipped).toEqual([
      { path: 'closed', reason: 'unreadable' },
      { path: 'secret', reason: 'unreadable' },
    ])
    expect(await namesIn(sent.report)).toEqual(['./', './a-large', './z-last'])
    await expectToldEverywhere(sent.report.databaseRecord?.id ?? '')
  })

  it('of logs: unreadable and vanished fail, or are left out where that is allowed', async () => {
    const logs = (more: readonly string[], during?: () => Promise<void>): Promise<SentRun> =>
      send(['--include', '*', ...more], { type: 'logs', env, ...(during ? { during } : {}) })
    const env = await tarWithoutPrivilege(bench.vault.folder)
    await writeFile(join(directory, 'secret'), 's', { mode: 0o000 })
    for (const name of ['closed', 'gone']) {
      await mkdir(join(directory, name))
      await writeFile(join(directory, name, 'log'), name)
    }
    await chmod(join(directory, 'closed'), 0o000)
    const refused = await logs([])
    expect(refused).toMatchObject({
      code: 1,
      report: { code: 'SOURCE', hint: expect.stringContaining('--allow') },
    })
    expect(refused.report.error).toMatch(/(secret|closed\S*) cannot be read/)
    expect(await expectTakenBack(bench, refused, project)).toBe(1)
    const sent = await logs(['--allow', 'unreadable,vanished'], () =>
      rm(join(directory, 'gone'), { recursive: true }),
    )
    expect(sent.code, sent.stderr).toBe(3)
    expect(sent.report.skipped).toEqual(
      expect.arrayContaining([
        { path: 'secret', reason: 'unreadable' },
        { path: expect.stringMatching(/^closed/), reason: 'unreadable' },
        { path: 'gone/log', reason: 'vanished' },
      ]),
    )
    expect(await namesIn(sent.report)).toEqual(['./a-large', './z-last'])
  })

  it('a folder in which only names changed is whole, and noted', async () => {
    const sent = await send([], { during: () => writeFile(join(directory, 'new'), 'new') })
    expect(sent.code, sent.stderr).toBe(0)
    expect(sent.stderr).toContain('files were added or removed')
  })

  it('tar killed, and Ctrl-C: taken back', async () => {
    const killed = await send([], {
      during: async () => {
        for (const pid of await processesOf('tar', directory)) process.kill(pid, 'SIGKILL')
      },
    })
    expect(killed.report).toMatchObject({ code: 'SOURCE', error: expect.stringContaining('SIGKILL') })
    const cancelled = await send([], { during: pid => void process.kill(pid, 'SIGINT') })
    expect(cancelled.report.code).toBe('CANCELLED')
    expect([...killed.messageIds, ...cancelled.messageIds]).toEqual([])
    expect(await expectTakenBack(bench, cancelled, project)).toBe(2)
  })
})

/** A backup of which two files are missing says so wherever it is shown. */
async function expectToldEverywhere(id: string): Promise<void> {
  const run = (...args: string[]): Promise<CliRun> => callCli(args, { env: bench.env })
  const cli = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await run(...args)
    return `${stdout}\n${stderr}`
  }
  const missing = [
    { path: 'closed', reason: 'unreadable' },
    { path: 'secret', reason: 'unreadable' },
  ]
  expect(await cli('list', '--project', project)).toContain('complete, 2 files missing')
  expect((await run('list', '--project', project, '--json')).json()).toEqual(
    expect.arrayContaining([expect.objectContaining({ id, missing_files: 2 })]),
  )
  expect(await cli('show', id)).toMatch(/complete, 2 files missing[\s\S]*unreadable +secret/)
  expect(await bench.show(id)).toMatchObject({ missing_files: 2, missing })
  expect((await run('stats', '--project', project, '--json')).json()).toMatchObject({
    with_missing_files: 1,
  })
  const to = join(bench.vault.folder, 'missing-restored')
  const restored = await run('restore', id, '--yes', '--to', to)
  expect(restored.code, restored.stderr).toBe(0)
  expect(restored.stderr).toMatch(/^Warning .*2 files missing/m)
  expect(restored.stdout).toContain('2 files missing')
  expect(await cli('verify', id, '--drill')).toMatch(
    new RegExp(`${id} \\(complete, 2 files missing\\) is sound[^]*^note .*2 files missing`, 'm'),
  )
}
