import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { peakMebibytesOf, processorSecondsOf } from '#bench/measure.ts'
import type { BenchVault } from '#bench/vault.ts'

const ANSWERS_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 50

/** A server of restic repositories. */
export interface RepositoryServer {
  /** Makes an empty place; gives its URL for restic, with the credentials in it. */
  newPlace(): Promise<string>
  /** Most resident memory so far, in MiB, as the kernel counted it. */
  peakMebibytes(): Promise<number>
  /** Processor time of the process so far, without that of the catalog's server and of the chat. */
  processorSeconds(): Promise<number>
  stop(): Promise<void>
}

/** `serve` of the packed program, with the restic door. `pace`: messages a minute; 0: none. */
export async function startDoor(vault: BenchVault, { pace }: { pace: number }): Promise<RepositoryServer> {
  const port = await freePort()
  const { command, args, env } = vault.cli('serve', '--port', String(port))
  const child = spawn(command, args, {
    env: {
      PATH: process.env['PATH'] ?? '',
      ...env,
      TELEGRAM_MESSAGES_PER_MINUTE: String(pace),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await untilItAnswers(child, port)
  let places = 0
  return {
    newPlace: async () => {
      const name = `bench-${process.pid}-${pace}-${++places}`
      await vault.ask('bucket', 'create', name, '--kind', 'restic', '--project', 'doors')
      const { user, key } = await vault.ask<{ user: string; key: string }>(
        ...['doorkey', 'create', '--bucket', name, '--scope', 'full'],
      )
      return `rest:http://${user}:${key}@127.0.0.1:${port}/restic/${name}/`
    },
    ...ofProcess(child),
  }
}

/** Debian's restic-rest-server on a folder, without passwords, which cost it time. */
export async function startRestServer(folder: string): Promise<RepositoryServer> {
  const port = await freePort()
  const child = spawn(
    'restic-rest-server',
    ['--no-auth', '--listen', `127.0.0.1:${port}`, '--path', join(folder, 'rest-server')],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  )
  await untilItAnswers(child, port)
  let places = 0
  return {
    newPlace: async () => `rest:http://127.0.0.1:${port}/bench-${++places}/`,
    ...ofProcess(child),
  }
}

function ofProcess(
  child: ChildProcess,
): Pick<RepositoryServer, 'peakMebibytes' | 'processorSeconds' | 'stop'> {
  return {
    peakMebibytes: () => peakMebibytesOf(child.pid),
    processorSeconds: () => processorSecondsOf(child.pid),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function untilItAnswers(child: ChildProcess, port: number): Promise<void> {
  const until = performance.now() + ANSWERS_WITHIN_MS
  let failure: Error | undefined
  child.once('error', error => {
    failure = error
  })
  for (;;) {
    if (failure !== undefined) throw failure
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`)
    const isThere = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (isThere) return
    if (performance.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`${child.spawnfile} does not answer on port ${port}`)
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** Runs restic without measuring it. */
export async function restic(repository: string, args: readonly string[], cache: string): Promise<void> {
  await promisify(execFile)('restic', [...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD,
      RESTIC_CACHE_DIR: cache,
    },
    maxBuffer: 2 ** 26,
  })
}

/** Of the repositories of the bench, which hold random bytes. */
export const RESTIC_PASSWORD = 'bench'
