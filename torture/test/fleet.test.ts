import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** Asks a fleet for a service that serves, while its first one is about to die; tells its name. */
const HARNESS = `
  import { chanceOf } from '#torture/chance.ts'
  import { Fleet } from '#torture/service/fleet.ts'
  const folder = process.env.TORTURE_PROGRAM
  const world = { apiRoot: 'http://127.0.0.1:9', folder, environment: () => ({ PATH: process.env.PATH }) }
  const catalog = { kind: 'embedded', home: folder, environment: () => ({}) }
  const chance = chanceOf('fleet')
  const fleet = new Fleet({ world, catalog, chance, faultsFor: () => undefined, tell: () => {}, plan: { kind: 'none' } })
  await fleet.start(0)
  console.log((await fleet.anyone(chance)).name)
  await fleet.killAll()
  process.exit()
`
/** Ends before it serves the first time, and serves the second time. */
const PROGRAM = `
  const { existsSync, writeFileSync } = require('node:fs')
  if (existsSync('died')) {
    console.log('"url": "http://127.0.0.1:9"')
    setInterval(() => {}, 1_000)
  } else writeFileSync('died', '')
`

test('whoever asks for a service gets one that serves, also when the first one ends while it starts', async () => {
  const root = await mkdtemp(join(tmpdir(), 'torture-test-'))
  await mkdir(join(root, 'cli', 'bin'), { recursive: true })
  await writeFile(join(root, 'cli', 'bin', 'telegram-backup.js'), PROGRAM)
  // In a process of its own: one that asks for ever does not even hear a timeout.
  const harness = spawn(process.execPath, ['--input-type=module', '--eval', HARNESS], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: { ...process.env, TORTURE_PROGRAM: root },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    harness.kill('SIGKILL')
    await rm(root, { recursive: true })
  })
  const [words] = (await once(harness.stdout.setEncoding('utf8'), 'data', {
    signal: AbortSignal.timeout(10_000),
  })) as [string]
  expect(words.trim()).toBe('serve 2')
}, 15_000)
