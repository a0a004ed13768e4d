import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import {
  NOTIFICATION_ENTRIES,
  readNotificationSettings,
} from '@telegram-backup/engine/config/notification-settings.ts'
import { openChannels } from '@telegram-backup/engine/monitoring/channels.ts'
import { testNotice } from '@telegram-backup/engine/monitoring/wording.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type Listener, startListener } from '@telegram-backup/test-support/listener.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

describe('notifications in the configuration file', () => {
  test('are told to the chat of the backups where nothing is said', () => {
    expect(readNotificationSettings({})).toEqual({
      chat: 'vault',
      webhook: null,
      heartbeat: null,
      heartbeatEveryMs: 60_000,
      noBackupForMs: null,
      smallerThan: 0.5,
      waitingForMs: 3_600_000,
      leftOut: { chat: [], webhook: [] },
    })
  })

  test('may go to another chat, or to none, to a webhook and a heartbeat', () => {
    const settings = readNotificationSettings({
      chat: '-1001234',
      webhook: 'https://hooks.example/T/s3cret',
      heartbeat: 'https://beat.example/uuid',
      heartbeat_every: '5m',
      no_backup_for: '30d',
      smaller_than: '20%',
      waiting_for: '2h',
    })
    expect(settings).toMatchObject({
      chat: { id: '-1001234' },
      heartbeatEveryMs: 300_000,
      noBackupForMs: 30 * 86_400_000,
      smallerThan: 0.2,
      waitingForMs: 7_200_000,
    })
    expect(settings.webhook?.host).toBe('hooks.example')
    expect(readNotificationSettings({ chat: false }).chat).toBeNull()
    expect(readNotificationSettings({ chat: true, smaller_than: '0' })).toMatchObject({
      chat: 'vault',
      smallerThan: 0,
    })
  })

  test('may leave out kinds, for each channel its own, and name only those that there are', () => {
    const entries = { chat_without: ['backup_small'], webhook_without: ['retention.notice', 'jobs_waiting'] }
    expect(readNotificationSettings(NOTIFICATION_ENTRIES.parse(entries)).leftOut).toEqual({
      chat: ['backup_small'],
      webhook: ['retention.notice', 'jobs_waiting'],
    })
    const misspelt = NOTIFICATION_ENTRIES.safeParse({ webhook_without: ['retention'] })
    expect(misspelt.error?.issues[0]?.message).toContain('retention.notice')
  })

  test('that a channel leaves out are not told by it, and count as told; a test is told in any case', async () => {
    const listener = await startListener()
    const channels = openChannels(
      { chat: null, webhook: new URL(listener.url), leftOut: { chat: [], webhook: ['backup_small'] } },
      { texts: undefined, vaultChatId: undefined },
    )
    const { signal } = new AbortController()
    const notice = { id: 'n', ...testNotice('here', new Date()) }
    await channels.deliver('webhook', { ...notice, event: 'alert', kind: 'backup_small' }, { signal })
    await channels.deliver('webhook', { ...notice, event: 'recovered', kind: 'backup_small' }, { signal })
    expect(listener.notices()).toEqual([])
    await channels.deliver('webhook', { ...notice, event: 'alert', kind: 'backup_failed' }, { signal })
    await channels.deliver('webhook', notice, { signal })
    expect(listener.notices().map(({ event }) => event)).toEqual(['alert', 'test'])
    await listener.close()
  })

  test.each([
    [{ webhook: 'ftp://s3cret@host/' }],
    [{ webhook: 's3cret' }],
    [{ heartbeat: 'file:///etc/s3cret' }],
    [{ heartbeat_every: '10ms' }],
    [{ heartbeat_every: '2d' }],
    [{ no_backup_for: 's3cret' }],
    [{ smaller_than: '150%' }],
    [{ chat: 's3cret chat' }],
  ])('refuses %j, and does not repeat it', entries => {
    let refusal: unknown
    try {
      readNotificationSettings(entries)
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'CONFIGURATION', hint: expect.any(String) })
    expect(String(refusal)).not.toContain('s3cret')
  })

  test('are read from the file, with variables filled in, and misspelt ones are named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'notifications-'))
    const configFile = join(folder, 'telegram-backup.yaml')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is filled in by the program
    await writeFile(configFile, 'notifications: { webhook: "${HOOK}" }')
    const config = { configFile, stateFolder: folder }
    const file = await readConfigFile(config, { HOOK: 'https://hooks.example/x' })
    expect(file.notifications().webhook?.href).toBe('https://hooks.example/x')
    await writeFile(configFile, 'notifications:\n  webhok: x')
    await expect(readConfigFile(config, {})).rejects.toThrow(
      /line 2, column 3: notifications.webhok: no such setting; did you mean webhook\?/,
    )
    await rm(folder, { recursive: true })
  })
})

describe('notify-test', () => {
  let vault: TestVault
  let listener: Listener
  let env: Record<string, string>
  beforeAll(async () => {
    vault = await openTestVault()
    listener = await startListener()
    const configFile = join(vault.folder, 'telegram-backup.yaml')
    await writeFile(
      configFile,
      `notifications: { webhook: "${listener.url}/hook", heartbeat: "${listener.url}/beat" }`,
    )
    env = { ...(await cliEnvironment(vault)), TELEGRAM_BACKUP_CONFIG: configFile }
  })
  afterAll(async () => {
    await listener.close()
    await vault.close()
  })

  test('tells by each way, and says which did not work', async () => {
    const all = await callCli(['notify-test', '--json'], { env })
    expect(all.code).toBe(0)
    expect(all.json()).toEqual({
      trials: [
        { channel: 'chat', ok: true },
        { channel: 'webhook', ok: true },
        { channel: 'heartbeat', ok: true },
      ],
    })
    expect(listener.notices()).toMatchObject([{ event: 'test', text: expect.stringMatching(/^A test by/) }])
    const texts = vault.emulator.inspect.messages(vault.chatId).map(({ text }) => text)
    expect(texts).toEqual([expect.stringMatching(/^A test by/)])

    listener.answerWith(404)
    const some = await callCli(['notify-test', '--json'], { env })
    expect(some.code).toBe(3)
    expect(some.json()).toMatchObject({
      trials: [
        { ok: true },
        { ok: false, error: { code: 'REFUSED' } },
        { ok: false, error: { code: 'REFUSED' } },
      ],
    })
    expect(some.stdout + some.stderr).not.toContain('/hook')
  })

  test('fails where nobody would be told, and doctor warns of it', async () => {
    await writeFile(join(vault.folder, 'nobody.yaml'), 'notifications: { chat: false }')
    const nobody = { ...env, TELEGRAM_BACKUP_CONFIG: join(vault.folder, 'nobody.yaml') }
    expect((await callCli(['notify-test'], { env: nobody })).code).toBe(2)
    const { checks } = (await callCli(['doctor', '--json'], { env: nobody })).json() as {
      checks: { name: string; state: string }[]
    }
    expect(checks.find(({ name }) => name === 'notifications')).toMatchObject({ state: 'warning' })
  })
})
