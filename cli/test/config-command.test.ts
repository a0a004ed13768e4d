import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-command-test-'))
  path = join(folder, 'telegram-backup.yaml')
})
afterAll(() => rm(folder, { recursive: true }))

async function check(text: string, ...more: string[]): Promise<CliRun> {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
  const env = {
    TELEGRAM_BACKUP_HOME: folder,
    TELEGRAM_BACKUP_CONFIG: path,
    ROOT: '/srv',
    WRONG_FILE: '/no/such/file',
  }
  return await callCli(['config', 'check', ...more], { env })
}

const GOOD = `sources:\n  a: { project: p, type: storage, directory: "\${ROOT}/x", after: [/bin/true, "\${FREE}"] }\n`

it('says that a file is right, and what is in it', async () => {
  expect(await check(GOOD)).toMatchObject({ code: 0, stdout: `${path}: no problems; 1 source, 0 targets\n` })
  expect((await check(GOOD, '--json')).json()).toEqual({
    success: true,
    file: path,
    errors: [],
    warnings: [],
  })
})

it('finds what only the machine shows: variables, sources, targets, hooks, notifications', async () => {
  const text = `sources:
  one: { project: p, type: database, postgres: "postgresql://u:\${NO_PW}@h/d" }
  two: { project: p, type: storage, directory: /x, format: custom }
  three: { project: "..", type: storage, file: /x, before: [/bin/no-such-program] }
  four: { project: p, type: database, postgres: "mysql://u:s3cret@h/d" }
targets:
  five: { postgres: "nonsense s3cret" }
notifications:
  webhook: "ftp://x:s3cret@y"
  smaller_than: 200%
  heartbeat: \${WRONG}
`
  const checked = await check(text, '--json')
  expect(checked.code).toBe(2)
  const { errors, ...rest } = checked.json() as {
    errors: { line: number; column: number; path: string; message: string }[]
  }
  expect(rest).toEqual({ success: false, file: path, warnings: [] })
  expect(
    errors.map(({ line, column, path: where, message }) => `${line}:${column} ${where}: ${message}`),
  ).toEqual([
    '2:48 sources.one.postgres: the variable NO_PW is not set',
    expect.stringMatching(/^3:3 sources\.two: .*"format" cannot be combined with "directory"$/),
    expect.stringMatching(/^4:3 sources\.three: .*cannot be backed up/),
    '4:52 sources.three.before: /bin/no-such-program is not run: it does not exist',
    expect.stringMatching(/^5:3 sources\.four: .*The database URL is malformed$/),
    '7:3 targets.five: The database URL is malformed',
    expect.stringMatching(/^11:14 notifications\.heartbeat: .*WRONG_FILE/),
  ])
  expect(checked.stdout).not.toContain('s3cret')
  const mended = await check(text.replace(/ {2}heartbeat.*\n/, ''), '--json')
  expect(mended.stdout).toContain('"path": "notifications.webhook"')
  expect(mended.stdout).toContain('"path": "notifications.smaller_than"')
  expect(mended.stdout).not.toContain('s3cret')
})

it('prints a line for each problem as compilers do, and each hint once', async () => {
  const { code, stdout, stderr } = await check('sources:\n  a:\n    typ: x\n    projet: y\n')
  expect(code).toBe(2)
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]).toBe(`${path}:3:5: sources.a.typ: no such setting; did you mean type?`)
  expect(lines[1]).toBe(`${path}:4:5: sources.a.projet: no such setting; did you mean project?`)
  expect(lines[2]).toMatch(/^ {2}hint: A source may have: project, type,/)
  expect(lines).toHaveLength(3)
  expect(stderr).toBe('2 problems\n')
})

it('refuses a file that others can write, a missing one, a folder and a FIFO without a writer, each with exit code 2', async () => {
  await check(GOOD)
  await chmod(path, 0o666)
  const env = { TELEGRAM_BACKUP_HOME: folder, TELEGRAM_BACKUP_CONFIG: path }
  expect(await callCli(['config', 'check'], { env })).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('can be written by everyone'),
  })
  for (const name of ['nowhere.yaml', '.']) {
    const refused = await callCli(['config', 'check', join(folder, name), '--json'], { env })
    expect(refused.code).toBe(2)
    expect(refused.json()).toMatchObject({ success: false, errors: [{ line: null, column: null, path: '' }] })
  }
  await rm(path)
  const fifo = join(folder, 'home', 'telegram-backup.yaml')
  execFileSync('mkdir', ['-p', join(folder, 'home')])
  execFileSync('bash', ['-c', 'mkfifo "$0"', fifo])
  expect(
    await callCli(['config', 'check'], { env: { TELEGRAM_BACKUP_HOME: join(folder, 'home') } }),
  ).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('is not a file'),
  })
})

it('config schema prints the schema for editors', async () => {
  const printed = await callCli(['config', 'schema'], { env: {} })
  expect(printed).toMatchObject({ code: 0 })
  expect(printed.json()).toMatchObject({
    $schema: 'http://json-schema.org/draft-07/schema#',
    properties: { sources: {}, targets: {}, notifications: {} },
  })
})
