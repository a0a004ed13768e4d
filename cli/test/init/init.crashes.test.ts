import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { recipientOf } from '@telegram-backup/archive'
import { listSchedules, queryBackups } from '@telegram-backup/database'
import { LAUNCHER, runCli } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type InitWorld, openInitWorld } from '#test/init/init-world.ts'

let world: InitWorld

beforeAll(async () => {
  world = await openInitWorld()
})

afterAll(async () => {
  await world?.close()
})

const STAGES = [
  'bot',
  'chat',
  'catalog',
  'keys',
  'sources',
  'first backup',
  'proof',
  'schedule',
  'recovery card',
  'service',
]

const args = (): string[] => [
  ...['init', '--yes', '--no-service', '--token-file', join(world.folder, 'token')],
  // A script that says this each time must never lose the only key.
  ...['--chat', String(world.chatId), '--directory', world.site, '--key-saved'],
]

/** Runs the set-up, and kills it when it says that the stage has ended; whether it said so. */
async function killAfter(stage: string): Promise<boolean> {
  const child = spawn(process.execPath, [LAUNCHER, ...args()], {
    env: { PATH: process.env['PATH'] ?? '', TELEGRAM_BACKUP_ENV_FILE: 'off', ...world.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let words = ''
  let isKilled = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text
    if (isKilled || !new RegExp(`^(ok|done|TODO) +${stage} `, 'm').test(words)) return
    isKilled = true
    child.kill('SIGKILL')
  })
  await once(child, 'close')
  return isKilled
}

async function keyAtHome(): Promise<string> {
  const text = await readFile(join(world.home, 'backup-key.txt'), 'utf8')
  return await recipientOf(text.split('\n').find(line => line.startsWith('AGE-')) ?? '')
}

it('killed after each of its stages, the set-up goes on, and never loses or changes the key', async () => {
  let recipient: string | undefined
  for (const stage of STAGES) {
    expect(await killAfter(stage), stage).toBe(true)
    if (STAGES.indexOf(stage) >= STAGES.indexOf('keys')) {
      recipient ??= await keyAtHome()
      expect(await keyAtHome(), stage).toBe(recipient)
      expect(await readFile(join(world.home, 'environment'), 'utf8')).toContain(recipient)
    }
  }
  const end = await runCli([...args(), '--json'], { env: world.env })
  expect(end.code, end.stderr).toBe(0)
  expect(end.json()).toMatchObject({
    keys: { recovery: { recipient, confirmed: true } },
    sources: [{ name: 'site', backup_id: expect.any(String) }],
  })
  // No run before the last one got as far as to say where the key is.
  expect(await keyAtHome()).toBe(recipient)
  const { data } = await queryBackups(world.catalog, {})
  expect(data).toMatchObject([{ state: 'complete', source_name: 'site' }])
  expect(await listSchedules(world.catalog)).toHaveLength(1)
  const left = (await readdir(world.home)).filter(name => /partial|^\.environment/.test(name))
  expect(left).toEqual([])
})
