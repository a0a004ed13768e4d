import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LAUNCHER, underOlderNode } from '#test/older-node.ts'

/** A Node of the system that is older than what the program needs; undefined where there is none. */
function olderNode(): string | undefined {
  const { stdout } = spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' })
  return /^v(1\d|2[0-3])\./.test(stdout ?? '') ? '/usr/bin/node' : undefined
}

it('says which Node it needs, and exits 2, when the Node is older and none was installed with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'))
  const alone = join(folder, 'telegram-backup.mjs')
  copyFileSync(LAUNCHER, alone)
  const run = spawnSync(process.execPath, underOlderNode(true, [], alone), { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  expect(run.stderr).toMatch(/needs Node 24 or newer; this is Node 20\.1\.0/)
  expect(run.status).toBe(2)
})

it.each([true, false])(
  'hands over to the Node beside it when the Node is older; with execve: %s',
  hasExecve => {
    const version = spawnSync(process.execPath, underOlderNode(hasExecve, ['--version']), {
      encoding: 'utf8',
    })
    expect(version.stderr).toBe('')
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(version.status).toBe(0)
    const wrong = spawnSync(process.execPath, underOlderNode(hasExecve, ['no-such-command']), {
      encoding: 'utf8',
    })
    expect(wrong.status).toBe(2)
  },
)

it('does not take a Node next to the folder of a clone, or further up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'))
  const bin = join(folder, 'clone', 'api-gateway', 'bin')
  const mark = join(folder, 'mark')
  mkdirSync(bin, { recursive: true })
  copyFileSync(LAUNCHER, join(bin, 'telegram-backup.mjs'))
  for (const planted of ['node', 'node_modules/node']) {
    mkdirSync(join(folder, planted, 'bin'), { recursive: true })
    writeFileSync(join(folder, planted, 'package.json'), '{"name":"node","version":"24.0.0"}')
    writeFileSync(join(folder, planted, 'bin', 'node'), `#!/bin/sh\n: > ${mark}\n`, { mode: 0o755 })
  }
  const launcher = join(bin, 'telegram-backup.mjs')
  const run = spawnSync(process.execPath, underOlderNode(true, [], launcher), { encoding: 'utf8' })
  expect([run.status, existsSync(mark)]).toEqual([2, false])
  rmSync(folder, { recursive: true })
})

it.each([true, false])('passes SIGTERM on and ends as the program does; with execve: %s', async hasExecve => {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'))
  const args = underOlderNode(hasExecve, ['emulator', '--port', '0', '--data', folder])
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'exit')])
  child.kill('SIGTERM')
  // Its files are closed only when every process that had them has ended.
  const [code, signal] = await once(child, 'close')
  rmSync(folder, { recursive: true })
  expect([code, signal]).toEqual([0, null])
})

it.runIf(olderNode())('runs under the older Node of this system, started by a link from elsewhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'))
  symlinkSync(LAUNCHER, join(folder, 'telegram-backup'))
  const run = spawnSync(olderNode() ?? '', [join(folder, 'telegram-backup'), '--version'], {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  })
  rmSync(folder, { recursive: true })
  expect([run.status, run.stderr]).toEqual([0, ''])
})

/** Prints the options of Node each time that it starts. */
const SHOWING = [
  '--import',
  `data:text/javascript,${encodeURIComponent('process.stderr.write(process.execArgv.slice(2) + "\\n")')}`,
]

it.each([
  ['starts serve with a smaller heap', '', '\n--max-semi-space-size=16,--heap-growing-percent=50\n'],
  ['leaves a heap as it was chosen', '--max-semi-space-size=32', '\n--heap-growing-percent=50\n'],
])('%s', (_, chosen, starts) => {
  const run = spawnSync(process.execPath, [...SHOWING, LAUNCHER, 'serve', '--help'], {
    env: { ...process.env, NODE_OPTIONS: chosen },
    encoding: 'utf8',
  })
  expect([run.status, run.stderr]).toEqual([0, starts])
})

it('runs serve where Node may start no other program', () => {
  const args = ['--permission', '--allow-fs-read=*', LAUNCHER, 'serve', '--help']
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect([run.status, run.stderr]).toEqual([0, ''])
  expect(run.stdout).toMatch(/^Usage: /)
})

it('has no static import: what an older Node does not export would end it before it can speak', () => {
  expect(readFileSync(LAUNCHER, 'utf8')).not.toMatch(/^import /m)
})

it('loads neither chat nor catalog nor schemas before a command wants them: they take longer than all else of a start', () => {
  const hook = `
    import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) })`
  const run = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, LAUNCHER, '--version'],
    { encoding: 'utf8' },
  )
  expect(run.status).toBe(0)
  const loaded = run.stderr.split('\n')
  expect(loaded).toContainEqual(expect.stringMatching(/\/commander\//))
  expect(loaded).not.toContainEqual(
    expect.stringMatching(
      /\/node_modules\/(kysely|pg|zod|yaml|express)\/|\/(archive|database)\/src\/index\.|\/services\//,
    ),
  )
})
