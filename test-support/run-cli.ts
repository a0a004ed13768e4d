import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** The result of a run of the command line. */
export interface CliRun {
  code: number | null
  stdout: string
  stderr: string
  /** stdout as JSON; throws if it is not exactly one value. */
  json(): unknown
}

export interface RunOptions {
  env: Record<string, string>
  input?: Buffer | string
  cwd?: string
  /** Called with the child's pid once it runs. */
  onStart?: (pid: number) => void
  /** The program of another release. */
  launcher?: string
}

export const LAUNCHER: string = join(import.meta.dirname, '..', 'cli', 'bin', 'telegram-backup.js')

/** Runs the real program as a process, with only the given environment; `callCli` is faster. */
export function runCli(args: readonly string[], options: RunOptions): Promise<CliRun> {
  const child = spawn(process.execPath, ['--', options.launcher ?? LAUNCHER, ...args], {
    env: { PATH: process.env['PATH'] ?? '', TELEGRAM_BACKUP_ENV_FILE: 'off', ...options.env },
    cwd: options.cwd,
    stdio: 'pipe',
  })
  let stdout = ''
  let stderr = ''
  if (child.pid !== undefined) options.onStart?.(child.pid)
  child.stdout.setEncoding('latin1').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  // A child that fails early closes its stdin.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(cliRun(code, { stdout, stderr })))
  })
}

/** @param said `stdout` with a character for each byte */
export function cliRun(code: number | null, said: { stdout: string; stderr: string }): CliRun {
  return { code, ...said, json: () => JSON.parse(Buffer.from(said.stdout, 'latin1').toString('utf8')) }
}
