import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { LAUNCHER } from '#run-cli.ts'

/** A running `serve`. */
export interface ServeProcess {
  readonly child: ChildProcess
  /** Its output so far. */
  log(): string
  stderr(): string
  /** Resolves when it listens; rejects if it ends before. */
  ready: Promise<void>
  /** Resolves to its exit code, null after a kill. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts it, or that of another release, on a free port; it may be killed before it is ready. */
export function startServe(
  env: Record<string, string>,
  options: readonly string[] = [],
  launcher: string = LAUNCHER,
): ServeProcess {
  const child = spawn(process.execPath, [launcher, 'serve', '--port', '0', ...options], {
    env: { PATH: process.env['PATH'] ?? '', TELEGRAM_BACKUP_ENV_FILE: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let [out, log] = ['', '']
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      if (out.includes('\n')) resolve()
    })
    void ended.then(() => reject(new Error(`serve ended before it was ready: ${log}`)))
  })
  // A test that kills it early does not wait for this.
  ready.catch(() => {})
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  return {
    child,
    log: () => out + log,
    stderr: () => log,
    ready,
    end: async signal => {
      child.kill(signal)
      await ended
      return child.exitCode
    },
  }
}
