import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Emulator, prepareWorld, startEmulator } from '@telegram-backup/bot-api-emulator'
import { expect, onTestFinished, test } from 'vitest'
import { startServe } from '#test/jobs/serve-process.ts'
import { type Listener, startListener } from '#test/monitoring/listener.ts'
import { runCli } from '#test/run-cli.ts'

interface Setting {
  emulator: Emulator
  chatId: number
  listener: Listener
  env: Record<string, string>
  restartEmulator(): Promise<void>
}

/** An emulator that can be stopped, somebody who listens, and a state folder whose file names a source. */
async function prepare(): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'outage-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const dataDir = join(folder, 'telegram')
  let emulator = await startEmulator({ dataDir })
  const { bot, chat } = prepareWorld(emulator)
  const port = Number(new URL(emulator.url).port)
  onTestFinished(() => emulator.close())
  const listener = await startListener()
  onTestFinished(() => listener.close())
  const file = join(folder, 'notes.txt')
  await writeFile(file, 'notes')
  const configFile = join(folder, 'telegram-backup.yaml')
  const lines = [
    'sources:',
    `  notes: { project: shop, type: storage, file: ${JSON.stringify(file)} }`,
    'notifications:',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is filled in by the program
    '  webhook: "${HOOK}"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the same
    '  heartbeat: "${BEAT}"',
    '  heartbeat_every: 1s',
  ]
  await writeFile(configFile, lines.join('\n'))
  return {
    get emulator() {
      return emulator
    },
    chatId: chat.id,
    listener,
    restartEmulator: async () => {
      emulator = await startEmulator({ dataDir, port })
    },
    env: {
      TELEGRAM_API_ROOT: emulator.url,
      TELEGRAM_BOT_TOKEN: bot.token,
      TELEGRAM_CHAT_ID: String(chat.id),
      TELEGRAM_BACKUP_HOME: join(folder, 'home'),
      TELEGRAM_BACKUP_CONFIG: configFile,
      BACKUP_ENCRYPTION: 'off',
      HOOK: `${listener.url}/hook-s3cret`,
      BEAT: `${listener.url}/beat-s3cret`,
    },
  }
}

test('two serves: the chat is away for a minute, and one webhook call and one text tell so, and one each of the end', async () => {
  const setting = await prepare()
  const { env, listener, chatId } = setting
  const serves = [startServe(env), startServe(env)]
  onTestFinished(async () => {
    await Promise.all(serves.map(serve => serve.end('SIGKILL')))
  })
  await Promise.all(serves.map(({ ready }) => ready))
  const beats = (): number => listener.heard.filter(({ path }) => path === '/beat-s3cret').length
  const hooked = (): string[] => listener.notices().map(({ event, kind }) => `${event} ${kind}`)
  const texts = (): string[] =>
    setting.emulator.inspect.messages(chatId).flatMap(({ text }) => (text === undefined ? [] : [text]))
  await expect.poll(beats, { timeout: 120_000 }).toBeGreaterThan(0)

  await setting.emulator.close()
  await expect.poll(hooked, { timeout: 200_000, interval: 500 }).toEqual(['alert chat_unreachable'])
  const beatsThen = beats()
  await pause(15_000)
  expect(hooked()).toEqual(['alert chat_unreachable'])
  expect(beats()).toBe(beatsThen)

  await setting.restartEmulator()
  await expect
    .poll(hooked, { timeout: 300_000, interval: 500 })
    .toEqual(['alert chat_unreachable', 'recovered chat_unreachable'])
  await expect.poll(() => texts().length, { timeout: 120_000, interval: 500 }).toBe(2)
  await expect.poll(beats, { timeout: 120_000 }).toBeGreaterThan(beatsThen)
  await pause(12_000)
  expect(hooked()).toHaveLength(2)
  expect(texts()).toEqual([
    expect.stringMatching(/^⚠ The chat cannot be reached since /),
    expect.stringMatching(/^✓ The chat can be reached again, after /),
  ])

  const sent = await runCli(
    ['send', '--project', 'shop', '--type', 'storage', '--source', 'notes', '--json'],
    {
      env,
    },
  )
  expect(sent.code).toBe(0)
  expect(await Promise.all(serves.map(serve => serve.end('SIGTERM')))).toEqual([0, 0])
  const logs = serves.map(serve => serve.log()).join('')
  expect(logs.match(/something is wrong/g)).toHaveLength(1)
  expect(logs).not.toContain('s3cret')
  expect(logs).not.toContain(env['TELEGRAM_BOT_TOKEN'])
}, 900_000)
