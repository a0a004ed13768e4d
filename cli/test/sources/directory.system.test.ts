import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openManifest, readMemberIndex } from '@telegram-backup/archive'
import type { SentSource } from '@telegram-backup/engine/operations/backup.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
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
  await rm(directory, { recursive: true })
})

function send(more: readonly string[] = [], options: SendOptions & { type?: string } = {}): Promise<SentRun> {
  const { type = 'storage', ...rest } = options
  return bench.send(['--project', project, '--type', type, '--directory', directory, ...more], rest)
}

function inDirectory(...bytes: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), ...bytes])
}

/** A name that a shell would take apart. */
async function oddTemporaryFolder(): Promise<string> {
  const folder = join(bench.vault.folder, "it's a \\ temporary folder")
  await mkdir(folder, { recursive: true })
  return folder
}

/** The names in a backup, as tar lists them. */
async function namesIn(report: SentSource): Promise<string[]> {
  const path = join(bench.vault.folder, 'listed.tar')
  await writeFile(path, await bench.fetch(report))
  return (await run('tar', ['-tf', path])).stdout.split('\n').filter(Boolean)
}

describe('a directory', () => {
  it('comes back with links, modes, times, holes, attributes and odd names', async () => {
    const odd = ['größe', 'new\nline', 'quo"te\\back', ' blank ', '-n', `l${'o'.repeat(200)}ng`, '*?[x]']
    for (const name of odd) await writeFile(join(directory, name), name)
    await writeFile(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]), 'no UTF-8')
    const deep = join(directory, ...Array.from({ length: 12 }, () => 'd'.repeat(30)))
    await mkdir(deep, { recursive: true })
    await writeFile(join(deep, 'file'), 'deep', { mode: 0o640 })
    await utimes(join(deep, 'file'), 1, 1_234_567_890.5)
    await symlink('größe', join(directory, 'link'))
    await run('ln', [join(directory, 'größe'), join(directory, 'hard')])
    await run('mkfifo', [join(directory, 'fifo')])
    await truncate(join(directory, 'blank'), 0).catch(() => writeFile(join(directory, 'sparse'), 'begin'))
    await truncate(join(directory, 'sparse'), 50_000_000)
    const sent = await send()
    expect(sent.code, sent.stderr).toBe(0)
    const back = await mkdtemp(join(bench.vault.folder, 'back-'))
    const path = join(bench.vault.folder, 'tree.tar')
    const plain = await bench.fetch(sent.report)
    expect(plain.length).toBeLessThan(1_000_000)
    await writeFile(path, plain)
    await run('tar', ['-xpf', path, '--acls', '--xattrs', '-C', back])
    await run('diff', ['-r', '--no-dereference', '--exclude=fifo', directory, back])
    const facts = (folder: string): string =>
      execFileSync('find', ['.', '-printf', '%p %y %m %n %s %l %T@ %U:%G\\n'], {
        cwd: folder,
        encoding: 'latin1',
      })
        .split('\n')
        .sort()
        .join('\n')
        // The blocks of a folder are the file system's affair.
        .replace(/ d (\d+) \d+ \d+/g, ' d $1')
    expect(facts(back)).toBe(facts(directory))
    expect(await run('stat', ['-c', '%b', join(back, 'sparse')])).toMatchObject({
      stdout: expect.stringMatching(/^\d{1,3}\n$/),
    })
  })

  it('has its facts in the record, and in the manifest where each file begins', async () => {
    await writeFile(join(directory, 'a'), 'A'.repeat(1000))
    await mkdir(join(directory, 'sub'))
    await writeFile(join(directory, 'sub', 'größe'), 'inner')
    const sent = await send(['--exclude', 'nothing'])
    const details = await bench.show(sent.report.databaseRecord?.id ?? '')
    expect(details.source).toMatchObject({
      kind: 'directory',
      path: directory,
      exclude: ['nothing'],
      files: 2,
      directories: 2,
      bytes: 1005,
      skipped: [],
      skipped_count: 0,
      tar_version: expect.stringMatching(/^1\./),
      started_at: expect.any(String),
      ended_at: expect.any(String),
    })
    const manifestId = sent.messageIds.at(-1) ?? 0
    const sealed = await bench.vault.emulator.inspect.documentBytes(bench.vault.chatId, manifestId)
    const { manifest } = await openManifest(sealed, { encrypted: true, identities: [bench.vault.identity] })
    expect(manifest.members?.count).toBe(4)
    const members = manifest.members ? [...readMemberIndex(manifest.members)] : []
    expect(members.map(({ path, kind, size }) => [path, kind, size])).toEqual([
      ['.', 'directory', 0],
      ['a', 'file', 1000],
      ['sub', 'directory', 0],
      ['sub/größe', 'file', 5],
    ])
    const plain = await bench.fetch(sent.report)
    for (const { offset, path } of members.slice(1)) {
      // A PAX header comes first, and the name stands in it or in the header after it.
      expect(plain.subarray(offset, offset + 512).toString('latin1')).toContain('ustar')
      expect(plain.subarray(offset, offset + 1536).includes(path)).toBe(true)
    }
  })

  it('leaves out what is excluded: anywhere, or at the top only', async () => {
    for (const path of ['cache/x', 'sub/cache/y', 'sub/a.tmp', 'keep']) {
      await mkdir(join(directory, path, '..'), { recursive: true })
      await writeFile(join(directory, path), path)
    }
    const sent = await send(['--exclude', './cache', '--exclude', '*.tmp'])
    expect(await namesIn(sent.report)).toEqual(['./', './keep', './sub/', './sub/cache/', './sub/cache/y'])
  })

  it.each([
    ['that does not exist', () => `${directory}/none`, /it does not exist/],
    ['that is a file', () => `${directory}/file`, /is not a directory/],
    ['that is a symbolic link', () => `${directory}/link`, /symbolic link/],
  ])('%s is refused before anything is sent', async (_, path, words) => {
    await writeFile(join(directory, 'file'), '')
    await symlink('.', join(directory, 'link'))
    const sent = await bench.send(['--project', project, '--type', 'storage', '--directory', path()])
    expect(sent.code).toBe(2)
    expect(sent.report.error).toMatch(words)
    expect(await expectTakenBack(bench, sent, project)).toBe(0)
  })
})

describe('logs', () => {
  beforeEach(async () => {
    await mkdir(join(directory, 'nginx'))
    for (const name of ['app.log', 'app.log.1', 'nginx/access.log', 'nginx/notes.txt']) {
      await writeFile(join(directory, name), name)
    }
    await symlink('/etc/passwd', join(directory, 'stolen.log'))
    const old = Date.now() / 1000 - 3 * 86_400
    await utimes(join(directory, 'app.log.1'), old, old)
  })

  it.each([
    [
      ['--include', '*.log'],
      ['./app.log', './nginx/access.log'],
    ],
    [
      ['--include', 'nginx/*'],
      ['./nginx/access.log', './nginx/notes.txt'],
    ],
    [
      ['--since', '24h'],
      ['./app.log', './nginx/access.log', './nginx/notes.txt'],
    ],
    [
      ['--include', 'app*', '--include', '**/notes.*', '--since', '24h'],
      ['./app.log', './nginx/notes.txt'],
    ],
    [['--include', '*.log', '--exclude', './nginx'], ['./app.log']],
  ])('%j are %j', async (more, names) => {
    const sent = await send(more, { type: 'logs' })
    expect(sent.code, sent.stderr).toBe(0)
    expect(await namesIn(sent.report)).toEqual(names)
  })

  it('come back from folders of any name, in each other too, with holes and hard links', async () => {
    const odd = [
      'größe',
      'new\nline',
      'quo"te\\back\\n',
      "it's",
      ' blank ',
      '-C',
      `l${'o'.repeat(200)}ng`,
      '*?[x]',
    ]
    for (const name of [...odd, 'nginx/old', 'nginx-2', 'nginx/old/er'].map(name => Buffer.from(name))) {
      await mkdir(inDirectory(name), { recursive: true })
      await writeFile(inDirectory(name, Buffer.from('/'), name.subarray(name.lastIndexOf('/') + 1)), name)
    }
    const noUtf8 = Buffer.from([0xff, 0xfe])
    await mkdir(inDirectory(noUtf8))
    await writeFile(inDirectory(noUtf8, Buffer.from('/'), noUtf8), 'no UTF-8', { mode: 0o640 })
    await run('ln', [join(directory, 'app.log'), join(directory, 'nginx', 'hard')])
    await truncate(join(directory, 'nginx', 'access.log'), 50_000_000)
    const sent = await send(['--include', '*'], { type: 'logs', env: { TMPDIR: await oddTemporaryFolder() } })
    expect(sent.code, sent.stderr).toBe(0)
    const back = await mkdtemp(join(bench.vault.folder, 'back-'))
    const plain = await bench.fetch(sent.report)
    expect(plain.length).toBeLessThan(1_000_000)
    await writeFile(join(bench.vault.folder, 'logs.tar'), plain)
    await run('tar', ['-xpf', join(bench.vault.folder, 'logs.tar'), '--acls', '--xattrs', '-C', back])
    const files = (folder: string): string =>
      execFileSync('find', ['.', '-type', 'f', '-printf', '%p %m %n %s %T@ %U:%G\\n'], {
        cwd: folder,
        encoding: 'latin1',
      })
    const sorted = (text: string): string[] => text.split('\n').sort()
    expect(sorted(files(back))).toEqual(sorted(files(directory)))
    await run('diff', ['-r', '--no-dereference', '--exclude=stolen.log', directory, back])
  })

  it('of which none is selected is an error, unless that is allowed', async () => {
    const sent = await send(['--include', '*.lgo'], { type: 'logs' })
    expect(sent).toMatchObject({
      code: 1,
      report: { code: 'SOURCE', hint: expect.stringContaining('--allow empty') },
    })
    expect(await expectTakenBack(bench, sent, project)).toBe(0)
    const allowed = await send(['--include', '*.lgo', '--allow', 'empty'], { type: 'logs' })
    expect(allowed.code).toBe(0)
    expect(await namesIn(allowed.report)).toEqual([])
  })

  it('may grow while they are read, but not shrink', async () => {
    await writeFile(join(directory, 'a-large.log'), randomBytes(4_000_000))
    const grown = await send([], {
      type: 'logs',
      during: () => appendFile(join(directory, 'a-large.log'), 'more\n'),
    })
    expect(grown.code, grown.stderr).toBe(0)
    expect(grown.report).not.toHaveProperty('skipped')
    const shrunk = await send(['--include', '*.log'], {
      type: 'logs',
      during: () => truncate(join(directory, 'a-large.log'), 100),
    })
    expect(shrunk.code).toBe(1)
    expect(shrunk.report.error).toContain('a-large.log was written to')
    expect(await readFile(join(directory, 'app.log'), 'utf8')).toBe('app.log')
  })
})
