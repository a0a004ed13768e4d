import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-test-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Presses Ctrl-C as soon as that is said. The demo does so itself: whoever only hears it may be too late. */
const interruptAfter = (words: string): string => `
  const write = process.stdout.write.bind(process.stdout)
  let isPressed = false
  process.stdout.write = (text, ...more) => {
    if (!isPressed && String(text).includes(${JSON.stringify(words)})) {
      isPressed = true
      process.kill(process.pid, 'SIGINT')
    }
    return write(text, ...more)
  }`

it.each(['2. A key', '3. The dump', '5. The database is lost'])(
  'Ctrl-C after %j leaves no folder and no key',
  async moment => {
    const launcher = fileURLToPath(import.meta.resolve('#launcher'))
    const hook = `data:text/javascript,${encodeURIComponent(interruptAfter(moment))}`
    const child = spawn(process.execPath, ['--import', hook, launcher, 'demo'], {
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
    child.stderr.resume()
    const code = await new Promise(resolve => child.on('close', resolve))
    expect(text).toContain(moment)
    expect(code).toBe(130)
    expect(await readdir(folder)).toEqual([])
  },
)
