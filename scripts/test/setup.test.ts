import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect } from 'vitest'

// `npm run setup`, as README tells people to type it.

const ROOT = join(import.meta.dirname, '..', '..')

const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'setup it’s-'))
    await use(folder)
    rmSync(folder, { recursive: true })
  },
})

function setUp(folder: string): { status: number | null; said: string } {
  const args = ['run', '--silent', 'setup', '--', '--to', folder]
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

test('the command runs from anywhere, as cron starts it: without Node on the PATH, and without a home', ({
  folder,
}) => {
  const { status, said } = setUp(folder)
  expect(status, said).toBe(0)
  expect(said).toContain(`export PATH='${folder}':"$PATH"`)
  const command = join(folder, 'telegram-backup')
  expect(readdirSync(folder)).toEqual(['telegram-backup'])
  expect(statSync(command).mode & 0o777).toBe(0o755)
  const env = { PATH: '/nowhere' }
  const run = (...args: string[]) => spawnSync(command, args, { cwd: '/', env, encoding: 'utf8' })
  expect(run('--version')).toMatchObject({ status: 0, stderr: '' })
  // Arguments arrive as they were typed, and the exit code comes back.
  const wrong = run('card', '--env-file', 'a "b" $c', '--json')
  expect(wrong.status).toBe(2)
  expect(JSON.parse(wrong.stdout).error).toContain('a "b" $c')
})

test('it replaces what it made, and links of before, but no other program of that name', ({ folder }) => {
  const command = join(folder, 'telegram-backup')
  symlinkSync(join(ROOT, 'cli', 'bin', 'telegram-backup.js'), command)
  expect(setUp(folder).status).toBe(0)
  expect(statSync(command).size).toBeLessThan(1000)
  expect(setUp(folder).status).toBe(0)
  writeFileSync(command, 'of somebody else')
  const { status, said } = setUp(folder)
  expect(status).toBe(1)
  expect(said).toContain('is another program, and is not replaced')
  expect(readdirSync(folder)).toEqual(['telegram-backup'])
})

test('Node never obeys the file of --env-file before the program has checked who wrote it', ({ folder }) => {
  expect(setUp(folder).status).toBe(0)
  const mark = join(folder, 'mark')
  const planted = join(folder, 'planted.cjs')
  writeFileSync(planted, `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`)
  const path = join(folder, 'environment')
  writeFileSync(path, `NODE_OPTIONS="--require '${planted}'"\n`)
  chmodSync(path, 0o666)
  const launcher = join(ROOT, 'cli', 'bin', 'telegram-backup.js')
  for (const command of [join(folder, 'telegram-backup'), launcher]) {
    const env = { PATH: process.env['PATH'] ?? '' }
    const { status, stderr } = spawnSync(command, ['list', '--env-file', path], { env, encoding: 'utf8' })
    expect(stderr).toContain('can be written by other users')
    expect(status).toBe(2)
    expect(existsSync(mark)).toBe(false)
  }
})
