import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backup, BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'
import { LAUNCHER, underOlderNode } from '#test/older-node.ts'

let vault: TestVault
let catalog: TestCatalog
let env: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  env = { ...(await cliEnvironment(vault)), ...catalog.env }
})

afterAll(async () => {
  await catalog.discard()
  await vault.close()
})

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 5))
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle of a send takes back what was sent and records a failure',
  async signal => {
    const path = join(vault.folder, 'large.bin')
    await writeFile(path, randomBytes(3_000_000))
    const before = vault.emulator.inspect.calls('sendDocument')
    vault.emulator.faults.on('sendDocument', { calls: 1000 }, { kind: 'delay', ms: 400 })
    let pid = 0
    const running = runCli(
      ['send', '--project', `stop-${signal}`, '--type', 'storage', '--file', path, '--json'],
      {
        env,
        onStart: started => {
          pid = started
        },
      },
    )
    await waitUntil(() => vault.emulator.inspect.calls('sendDocument') > before + 8)
    process.kill(pid, signal)
    const run = await running
    vault.emulator.faults.clear()
    expect(run.code).toBe(signal === 'SIGINT' ? 130 : 143)
    expect(run.json() as IntegratedBackupResult).toMatchObject({ success: false, code: 'CANCELLED' })
    expect(run.stderr).toContain('Stopping cleanly')
    expect(vault.messageIds()).toEqual([])
    const [backup] = (
      await callCli(['list', '--project', `stop-${signal}`, '--json'], { env })
    ).json() as Backup[]
    expect(backup?.state).toBe('failed')
    const details = (await callCli(['show', backup?.id ?? '', '--json'], { env })).json() as BackupDetails
    expect(details.parts.filter(part => part.state === 'sent')).toEqual([])
  },
)

it('SIGKILL in the middle of a send leaves every message known to the catalog', async () => {
  const path = join(vault.folder, 'large.bin')
  await writeFile(path, randomBytes(3_000_000))
  const before = vault.emulator.inspect.calls('sendDocument')
  vault.emulator.faults.on('sendDocument', { calls: 1000 }, { kind: 'delay', ms: 400 })
  let pid = 0
  const running = runCli(['send', '--project', 'killed', '--type', 'storage', '--file', path], {
    env,
    onStart: started => {
      pid = started
    },
  })
  await waitUntil(() => vault.emulator.inspect.calls('sendDocument') > before + 8)
  process.kill(pid, 'SIGKILL')
  await running
  vault.emulator.faults.clear()
  const [backup] = (await callCli(['list', '--project', 'killed', '--json'], { env })).json() as Backup[]
  expect(backup?.state).toBe('sending')
  const details = (await callCli(['show', backup?.id ?? '', '--json'], { env })).json() as BackupDetails
  // Each message is either proven, with its id, or announced by a row that says what to look for.
  const proven = new Set(details.parts.flatMap(part => part.message_id ?? []))
  const announced = new Set(details.parts.filter(part => part.state === 'intended').map(part => part.sha256))
  const ofBackups = new Set(vault.messageIds())
  const strays = vault.emulator.inspect
    .messages(vault.chatId)
    .filter(({ message_id }) => ofBackups.has(message_id) && !proven.has(message_id))
    .filter(({ document }) => !announced.has(document?.sha256 ?? ''))
  expect(strays).toEqual([])
  expect(proven.size).toBeGreaterThan(0)
})

interface StuckSend {
  child: ChildProcess
  ended: Promise<unknown[]>
  said: () => string
  goOn: () => void
  end: () => void
}

/** A send into a chat that answers nothing any more until `goOn`: an orderly end has to wait for it. */
async function stuckSend(project: string, program: (args: string[]) => string[]): Promise<StuckSend> {
  const path = join(vault.folder, 'large.bin')
  await writeFile(path, randomBytes(3_000_000))
  const isOver = Promise.withResolvers<void>()
  const isSending = Promise.withResolvers<void>()
  const unwatch = vault.emulator.watch(async ({ method, phase }) => {
    if (method !== 'senddocument' || phase !== 'arrived') return
    isSending.resolve()
    await isOver.promise
  })
  const args = program(['send', '--project', project, '--type', 'storage', '--file', path])
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const ended = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  await Promise.race([isSending.promise, ended])
  return {
    child,
    ended,
    said: () => said,
    goOn: isOver.resolve,
    end: () => {
      isOver.resolve()
      unwatch()
      child.kill('SIGKILL')
    },
  }
}

it('a second Ctrl-C ends it at once, as that signal does', async () => {
  const { child, ended, said, end } = await stuckSend('twice', args => [LAUNCHER, ...args])
  try {
    child.kill('SIGINT')
    await expect.poll(said).toContain('press Ctrl-C again to quit now')
    child.kill('SIGINT')
    expect(await ended).toEqual([null, 'SIGINT'])
  } finally {
    end()
  }
})

it.each(['SIGINT', 'SIGTERM'] as const)(
  'under an older Node one %s that a terminal or systemd sends to launcher and program alike is one',
  async signal => {
    const project = `both-${signal}`
    const { child, ended, said, goOn, end } = await stuckSend(project, args => underOlderNode(false, args))
    try {
      process.kill(-(child.pid ?? 0), signal)
      await expect.poll(said).toContain('press Ctrl-C again to quit now')
      await sleep(300)
      goOn()
      expect(await ended).toEqual([signal === 'SIGINT' ? 130 : 143, null])
      const [backup] = (await callCli(['list', '--project', project, '--json'], { env })).json() as Backup[]
      expect(backup?.state).toBe('failed')
    } finally {
      end()
    }
  },
)
