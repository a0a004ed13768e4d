import { EventEmitter } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { type CliRun, cliRun } from '@telegram-backup/test-support/run-cli.ts'
import { main } from '#cli.ts'
import type { Host } from '#host.ts'

/**
 * The command line in the process of the test, with no environment but the one given and an empty stdin. For
 * tests that are not about the process itself: those of signals, pipes and the working folder take `runCli`.
 * Calls wait for each other, since a process has one environment.
 */
export function callCli(
  args: readonly string[],
  { env }: { env: Readonly<Record<string, string>> },
): Promise<CliRun> {
  const call = lastCall.then(() => callNow(args, env))
  lastCall = call.catch(() => {})
  return call
}

let lastCall: Promise<unknown> = Promise.resolve()

async function callNow(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliRun> {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const [stdout, stderr] = [new Collected(), new Collected()]
  const host: Host = Object.assign(new EventEmitter(), {
    ...{ pid: process.pid, ppid: process.ppid, stdin: Readable.from([]), stdout, stderr },
    env: { PATH, NODE_COMPILE_CACHE, TELEGRAM_BACKUP_ENV_FILE: 'off', ...env },
    exit: (code: number): never => {
      throw new Error(`The command line wanted to exit with ${code}`)
    },
    kill: (pid: number, signal: string): never => {
      throw new Error(`The command line wanted to kill ${pid} with ${signal}`)
    },
  })
  const own = process.env
  // What lies deeper, such as a program that is started, reads it there.
  process.env = host.env
  try {
    const code = await main(args, host)
    return cliRun(code, { stdout: stdout.text('latin1'), stderr: stderr.text('utf8') })
  } finally {
    process.env = own
  }
}

class Collected extends Writable {
  readonly #pieces: Buffer[] = []

  override _write(piece: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#pieces.push(piece)
    done()
  }

  text(encoding: BufferEncoding): string {
    return Buffer.concat(this.#pieces).toString(encoding)
  }
}
