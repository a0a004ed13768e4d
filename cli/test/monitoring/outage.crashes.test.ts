import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Emulator, prepareWorld, startEmulator } from '@telegram-backup/bot-api-emulator'
import { type Listener, startListener } from '@telegram-backup/test-support/listener.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import { type CutWay, openCutWay } from '@telegram-backup/test-support/servers/cut-way.ts'
import { expect, onTestFinished, test } from 'vitest'

/** What is waited for comes within two minutes or so; on a busy machine it takes longer. */
const WITHIN = { timeout: 600_000, interval: 500 }

interface Setting {
  emulator: Emulator
  chatId: number
  listener: Listener
  env: Record<string, string>
  /** To the emulator. */
  way: CutWay
}

/** An emulator that can be cut off, somebody who listens, and a state folder whose file names a source. */
async function prepare(): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'outage-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  const { bot, chat } = prepareWorld(emulator)
  onTestFinished(() => emulator.close())
  const way = await openCutWay(emulator.url)
  onTestFinished(() => way.close())
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
    emulator,
    chatId: chat.id,
    listener,
    way,
    env: {
      TELEGRAM_API_ROOT: way.url,
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
  const { env, listener, chatId, emulator, way } = await prepare()
  const serves = ['one', 'two'].map(name => startServe({ ...env, BEAT: `${env['BEAT']}-${name}` }))
  onTestFinished(async () => {
    await Promise.all(serves.map(serve => serve.end('SIGKILL')))
  })
  await Promise.all(serves.map(({ ready }) => ready))
  const beats = (of = ''): number =>
    listener.heard.filter(({ path }) => path.startsWith(`/beat-s3cret-${of}`)).length
  const hooked = (): string[] => listener.notices().map(({ event, kind }) => `${event} ${kind}`)
  const texts = (): string[] =>
    emulator.inspect.messages(chatId).flatMap(({ text }) => (text === undefined ? [] : [text]))
  for (const name of ['one', 'two']) await expect.poll(() => beats(name), WITHIN).toBeGreaterThan(0)

  way.cut()
  await expect.poll(hooked, WITHIN).toEqual(['alert chat_unreachable'])
  // Each goes on calling for a while; what was on its way by then is heard at once.
  await expect.poll(() => serves.every(serve => serve.log().includes('no heartbeat')), WITHIN).toBe(true)
  await pause(1_000)
  const beatsThen = beats()
  await pause(15_000)
  expect(hooked()).toEqual(['alert chat_unreachable'])
  expect(beats()).toBe(beatsThen)

  way.mend()
  await expect.poll(hooked, WITHIN).toEqual(['alert chat_unreachable', 'recovered chat_unreachable'])
  await expect.poll(() => texts().length, WITHIN).toBe(2)
  await expect.poll(() => beats(), WITHIN).toBeGreaterThan(beatsThen)
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
}, 1_800_000)
