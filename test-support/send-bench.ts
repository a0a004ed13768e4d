import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import type { SentSource } from '@telegram-backup/engine/backup/send-source.ts'
import { expect } from 'vitest'
import { cliEnvironment } from '#cli-environment.ts'
import { type CliRun, runCli } from '#run-cli.ts'
import { openTestVault, type TestVault } from '#vault.ts'

const run = promisify(execFile)

/** A chat, and a command line with its own temporary folder, so that leftover files are found. */
export interface SendBench {
  vault: TestVault
  env: Record<string, string>
  /** Runs `send --json` with small parts. `during` gets the pid of the program when a part was confirmed. */
  send(args: readonly string[], options?: SendOptions): Promise<SentRun>
  /** The plain bytes of a backup, from the command line. */
  fetch(report: SentSource): Promise<Buffer>
  show(id: string): Promise<BackupDetails>
  close(): Promise<void>
}

export interface SendOptions {
  env?: Record<string, string>
  during?: (pid: number) => Promise<void> | void
  input?: Buffer
}

export interface SentRun extends CliRun {
  report: SentSource
  /** Messages that were not in the chat before. */
  messageIds: number[]
}

export async function openSendBench(): Promise<SendBench> {
  const vault = await openTestVault()
  const TMPDIR = join(vault.folder, 'tmp')
  await mkdir(TMPDIR)
  const env = { ...(await cliEnvironment(vault)), TMPDIR }
  return {
    vault,
    env,
    send: async (args, { env: more = {}, during, input } = {}) => {
      const { faults, inspect } = vault.emulator
      const before = inspect.calls('sendDocument')
      const there = new Set(vault.messageIds())
      // Slow enough that the source must wait in the middle.
      if (during) faults.on('sendDocument', { calls: 10_000 }, { kind: 'delay', ms: 250 })
      let meanwhile: Promise<void> | undefined
      const inTheMiddle = async (act: () => Promise<void> | void): Promise<void> => {
        await waitUntil(() => inspect.calls('sendDocument') > before + 4)
        await act()
        faults.clear()
      }
      const result = await runCli(['send', ...args, '--json'], {
        env: { ...env, ...more },
        ...(input ? { input } : {}),
        onStart: pid => {
          if (during) meanwhile = inTheMiddle(() => during(pid))
        },
      })
      await meanwhile
      faults.clear()
      expect(await readdir(TMPDIR), 'no FIFO, no folder is left').toEqual([])
      const messageIds = vault.messageIds().filter(id => !there.has(id))
      return { ...result, messageIds, report: result.json() as SentSource }
    },
    fetch: async ({ databaseRecord }) => {
      const out = join(vault.folder, `fetched-${databaseRecord?.id}`)
      const fetched = await runCli(['fetch', databaseRecord?.id ?? '', '--out', out], { env })
      // Files may be missing in the backup, which is noted.
      const words = fetched.stderr.replace(/^warning: it is not whole: .*\n/, '')
      expect(words + fetched.code).toBe('0')
      return readFile(out)
    },
    show: async id => (await runCli(['show', id, '--json'], { env })).json() as BackupDetails,
    close: () => vault.close(),
  }
}

export async function waitUntil(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(5)
}

/** The ids of the processes of that name whose arguments hold the text. */
export async function processesOf(name: string, text: string): Promise<number[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,comm=,args='])
  return stdout.split('\n').flatMap(line => {
    const [, pid, command] = /^ *(\d+) (\S+)/.exec(line) ?? []
    return command === name && line.includes(text) ? [Number(pid)] : []
  })
}

/** A failed send left nothing in the chat, and is failed in the catalog. Returns the number of its rows. */
export async function expectTakenBack(bench: SendBench, sent: SentRun, project: string): Promise<number> {
  expect(sent.report.success).toBe(false)
  expect(sent.messageIds).toEqual([])
  const listed = (await runCli(['list', '--project', project, '--json'], { env: bench.env })).json()
  for (const backup of listed as { state: string }[]) expect(backup.state).toBe('failed')
  return (listed as unknown[]).length
}

/** The error of the pg_dump below, which adds the password in three forms. */
const BROKEN_WORDS =
  'pg_dump: error: connection to server at "127.0.0.1", port 5 failed: FATAL:  password authentication failed for user "nobody"'

/**
 * Makes a pg_dump that fails after some bytes, with the password on stderr. Returns a folder for the PATH.
 */
export async function writeBrokenPgDump(
  folder: string,
  of: { major: number; password: string },
): Promise<string> {
  const bin = join(folder, 'broken-bin')
  await mkdir(bin)
  const inUrl = `postgresql://nobody:${encodeURIComponent(of.password)}@127.0.0.1/x`
  await writeFile(join(bin, 'words'), `${BROKEN_WORDS} (${of.password}, ${inUrl}, password=${of.password})\n`)
  await writeFile(
    join(bin, 'pg_dump'),
    `#!/bin/sh
[ "$1" = --version ] && exec echo 'pg_dump (PostgreSQL) ${of.major}.999'
head -c 200000 /dev/urandom
cat '${bin}/words' >&2
exit 1
`,
    { mode: 0o755 },
  )
  return bin
}
