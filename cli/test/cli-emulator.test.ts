import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-command-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

interface Started {
  url: string
  token: string
  chat_id: number
  stop(signal: NodeJS.Signals): Promise<number | null>
}

async function startEmulatorCommand(): Promise<Started> {
  const launcher = fileURLToPath(import.meta.resolve('#launcher'))
  const child = spawn(process.execPath, [launcher, 'emulator', '--data', join(folder, 'data'), '--json'], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = new Promise<number | null>(resolve => child.on('close', resolve))
  let text = ''
  for await (const chunk of child.stdout) {
    text += String(chunk)
    if (text.endsWith('}\n')) break
  }
  return {
    ...(JSON.parse(text) as Omit<Started, 'stop'>),
    stop: signal => {
      child.kill(signal)
      return closed
    },
  }
}

it.each(['SIGINT', 'SIGKILL'] as const)(
  'keeps bot, chat and messages in its folder over a %s',
  async signal => {
    const first = await startEmulatorCommand()
    const env = (started: Started): Record<string, string> => ({
      TELEGRAM_API_ROOT: started.url,
      TELEGRAM_BOT_TOKEN: started.token,
      TELEGRAM_CHAT_ID: String(started.chat_id),
      TELEGRAM_BACKUP_HOME: join(folder, 'home'),
      BACKUP_ENCRYPTION: 'off',
    })
    const sent = await runCli(['send', '--project', 'p', '--type', 'logs', '-', '--json'], {
      env: env(first),
      input: 'kept',
    })
    expect(sent.code).toBe(0)
    const { databaseRecord } = sent.json() as { databaseRecord: { id: string } }
    expect(await first.stop(signal)).toBe(signal === 'SIGINT' ? 0 : null)

    const second = await startEmulatorCommand()
    expect([second.token, second.chat_id]).toEqual([first.token, first.chat_id])
    const back = await runCli(['fetch', databaseRecord.id, '--out', '-'], { env: env(second) })
    expect(back).toMatchObject({ code: 0, stdout: 'kept' })
    await second.stop('SIGTERM')
  },
)

it('a port that is taken, or is none, is a clear error', async () => {
  const running = await startEmulatorCommand()
  const env = {}
  const taken = await runCli(['emulator', '--port', new URL(running.url).port], { env })
  expect(taken.code).not.toBe(0)
  expect(taken.stderr).toMatch(/^error: .*(in use|EADDRINUSE)/)
  const locked = await runCli(['emulator', '--data', join(folder, 'data')], { env })
  expect(locked.code).not.toBe(0)
  expect(locked.stderr).toMatch(/^error: /)
  await running.stop('SIGTERM')
  expect((await runCli(['emulator', '--port', '99999'], { env })).code).toBe(2)
})
