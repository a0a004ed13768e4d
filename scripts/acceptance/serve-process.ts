import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'telegram-backup.js')
const READY_WITHIN_MS = 240_000

/** One `serve` in a process of its own. */
export interface ServeProcess {
  readonly pid: number
  /** Without a trailing slash. */
  readonly url: string
  /** All that it wrote so far. */
  log(): string
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>
  /** SIGTERM; resolves to the exit code and how long it took. */
  stop(): Promise<{ code: number | null; seconds: number }>
}

/** Starts `serve` and waits until it is ready; on a free port, if none is given. Fails with what it wrote. */
export async function startServe(env: Record<string, string>, port = 0): Promise<ServeProcess> {
  const child = spawn(process.execPath, [LAUNCHER, 'serve', '--json', '--port', String(port)], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  let written = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      written += text
    })
  }
  let url: string
  try {
    url = await untilReady(child, () => /"url": "(http:[^"]+)"/.exec(written)?.[1])
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`serve did not get ready: ${(error as Error).message}\n${written}`)
  }
  return {
    pid: child.pid as number,
    url,
    log: () => written,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    stop: async () => {
      const started = performance.now()
      child.kill('SIGTERM')
      await ended
      return { code: child.exitCode, seconds: (performance.now() - started) / 1000 }
    },
  }
}

/** Gives the root of its HTTP API. */
async function untilReady(child: ChildProcess, urlSaid: () => string | undefined): Promise<string> {
  const until = performance.now() + READY_WITHIN_MS
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`)
    const url = urlSaid()
    const isReady =
      url !== undefined &&
      (await fetch(`${url}/readyz`).then(
        answer => answer.ok,
        () => false,
      ))
    if (isReady) return url
    await delay(100)
  }
  throw new Error('/readyz did not answer 200 in time')
}
