import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** Starts a program of the harness's, tells its id, and waits. */
const HARNESS = `
  import { startClient } from '#torture/play/client.ts'
  const client = startClient([], { env: { PATH: process.env.PATH }, cwd: '/' })
  await client.said(/ready/)
  console.log(client.pid)
  setInterval(() => {}, 1_000)
`
/** As a service does, it ends neither by the end of its input nor by that of its output. */
const PROGRAM = "setInterval(() => {}, 1_000); process.stdout.on('error', () => {}); console.log('ready')"

test('a program does not outlive a harness that gets SIGKILL', async () => {
  const root = await mkdtemp(join(tmpdir(), 'torture-test-'))
  const bin = join(root, 'cli', 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'telegram-backup.js'), PROGRAM)
  const harness = spawn(process.execPath, ['--input-type=module', '--eval', HARNESS], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: { ...process.env, TORTURE_PROGRAM: root },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let program = 0
  onTestFinished(async () => {
    harness.kill('SIGKILL')
    if (program > 0 && (await isThere(program))) process.kill(program, 'SIGKILL')
    await rm(root, { recursive: true })
  })
  const [words] = (await once(harness.stdout.setEncoding('utf8'), 'data')) as [string]
  program = Number(words)
  const before = await isThere(program)

  harness.kill('SIGKILL')

  await expect.poll(() => isThere(program)).toBe(false)
  expect(before).toBe(true)
})

/** Whoever has ended may still be listed until somebody asks how. */
async function isThere(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX]/.test(stat)
}
