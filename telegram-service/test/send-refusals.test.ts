import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type BackupSendResult,
  BackupService,
  type BackupType,
  createTelegramClient,
  type TelegramError,
} from '#index.ts'
import { type EmulatedChat, emulatedChat, sharedSigningKey } from '#test/emulated-chat.ts'
import { recordingLedger } from '#test/recording-ledger.ts'

const OPTIONS = { projectId: 'shop', type: 'database', file: Buffer.from('x') } as const

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^(TELEGRAM|BACKUP)_/.test(name)) vi.stubEnv(name, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** Nothing was sent and nothing recorded, and the error has the code and a hint. */
function expectRefused(chat: EmulatedChat, result: BackupSendResult, code: string): void {
  expect(result).toMatchObject({ success: false, cause: { code } })
  expect((result.cause as TelegramError).hint).toMatch(/\S/)
  expect(chat.emulator.inspect.calls('sendDocument')).toBe(0)
  expect(chat.messages()).toEqual([])
}

describe('nothing is sent', () => {
  const badProjects = [
    '',
    ' ',
    '.',
    '..',
    'a..b',
    '-a',
    '_a',
    'a/b',
    'a b',
    'ä',
    'a\n',
    'a'.repeat(65),
    undefined,
    7,
  ]
  test.each(badProjects)('for the project id %j', async projectId => {
    const chat = await emulatedChat()
    const result = await chat.service.sendBackup({ ...OPTIONS, projectId: projectId as string })
    expectRefused(chat, result, 'INVALID')
    expect(chat.emulator.inspect.calls()).toBe(0)
  })

  test.each(['', 'Database', 'toString', 'db', undefined])('for the type %j', async type => {
    const chat = await emulatedChat()
    const result = await chat.service.sendBackup({ ...OPTIONS, type: type as BackupType })
    expectRefused(chat, result, 'INVALID')
  })

  test('for a time of expiry that is none', async () => {
    const chat = await emulatedChat()
    const result = await chat.service.sendBackup({ ...OPTIONS, expiresAt: new Date('never') })
    expect(result).toMatchObject({ success: false, cause: { code: 'INVALID' } })
    expect(chat.emulator.inspect.calls()).toBe(0)
  })

  test('without a chat', async () => {
    const chat = await emulatedChat()
    const result = await chat.createService({ defaultChatId: undefined }).sendBackup(OPTIONS)
    expectRefused(chat, result, 'CONFIGURATION')
  })

  test('without a key, or with one that is none', async () => {
    const chat = await emulatedChat()
    const keyless = new BackupService({
      telegramClient: chat.client,
      defaultChatId: String(chat.chatId),
      signingKey: await sharedSigningKey(),
    })
    expectRefused(chat, await keyless.sendBackup(OPTIONS), 'CONFIGURATION')
    const empty = chat.createService({ encryption: { recipients: [] } })
    expectRefused(chat, await empty.sendBackup(OPTIONS), 'NO_KEY')
    const wrong = chat.createService({ encryption: { recipients: ['age1notakey'] } })
    expectRefused(chat, await wrong.sendBackup(OPTIONS), 'CONFIGURATION')
  })

  test('in parts that could never be fetched back', async () => {
    const chat = await emulatedChat()
    const publicClient = createTelegramClient({ token: chat.token })
    expect(publicClient.usesPublicServer).toBe(true)
    const tooLarge = 20 * 1024 * 1024 + 1
    const service = chat.createService({ telegramClient: publicClient, partSizeBytes: tooLarge })
    const ledger = recordingLedger()
    expectRefused(chat, await service.sendBackup({ ...OPTIONS, ledger }), 'CONFIGURATION')
    expect(ledger.calls).toEqual([])
    const local = chat.createService({ partSizeBytes: tooLarge })
    expect(await local.sendBackup(OPTIONS)).toMatchObject({ success: true })
  })

  test.each([0, 1, 16_383, 65_536.5, Number.NaN, Number.POSITIVE_INFINITY, 2_000_000_001])(
    'in parts of %d bytes',
    async partSizeBytes => {
      const chat = await emulatedChat()
      const result = await chat.createService({ partSizeBytes }).sendBackup(OPTIONS)
      expectRefused(chat, result, 'CONFIGURATION')
      expect((result.cause as TelegramError).hint).toContain('TELEGRAM_PART_SIZE')
    },
  )

  test.each([0, -1, 5, 1.5, Number.NaN])('with %d parts in flight', async partsInFlight => {
    const chat = await emulatedChat()
    expectRefused(chat, await chat.createService({ partsInFlight }).sendBackup(OPTIONS), 'CONFIGURATION')
  })
})

describe('the chat is asked first, and nothing is sent', () => {
  test('with a wrong token', async () => {
    const chat = await emulatedChat()
    const telegramClient = chat.createClient({ token: `${chat.botId}:${'x'.repeat(35)}` })
    const ledger = recordingLedger()
    expectRefused(
      chat,
      await chat.createService({ telegramClient }).sendBackup({ ...OPTIONS, ledger }),
      'CONFIGURATION',
    )
    expect(ledger.calls).toEqual([])
  })

  test('to a chat that does not exist, or has thrown the bot out', async () => {
    const chat = await emulatedChat()
    for (const chatId of ['-1009999999999', '@nobody', 'nonsense', '0']) {
      expectRefused(chat, await chat.service.sendBackup({ ...OPTIONS, chatId }), 'CONFIGURATION')
    }
    chat.emulator.asHuman.kick(chat.chatId, { id: chat.botId })
    expectRefused(chat, await chat.service.sendBackup(OPTIONS), 'CONFIGURATION')
  })

  test('without the right to post', async () => {
    const chat = await emulatedChat()
    chat.emulator.asHuman.promote(chat.chatId, { id: chat.botId }, { can_post_messages: false })
    expectRefused(chat, await chat.service.sendBackup(OPTIONS), 'CONFIGURATION')
    chat.emulator.asHuman.demote(chat.chatId, { id: chat.botId })
    expectRefused(chat, await chat.service.sendBackup(OPTIONS), 'CONFIGURATION')
  })

  test('to a server that only redirects', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('*', { calls: 99 }, { kind: 'error', errorCode: 302, description: 'Found' })
    expectRefused(chat, await chat.service.sendBackup(OPTIONS), 'CONFIGURATION')
  })

  test('and rights that only erasing needs do not stop a send', async () => {
    const chat = await emulatedChat()
    chat.emulator.asHuman.promote(
      chat.chatId,
      { id: chat.botId },
      { can_delete_messages: false, can_edit_messages: false },
    )
    expect(await chat.service.sendBackup(OPTIONS)).toMatchObject({ success: true })
  })
})

describe('a client', () => {
  test.each(['', ':', '123', '123:', ':abc', 'a:b', '123:a b', '123:abc\n'])(
    'is not made of the token %j',
    token => {
      expect(() => createTelegramClient({ token })).toThrow(
        expect.objectContaining({ code: 'CONFIGURATION' }),
      )
    },
  )

  test.each([
    '',
    'api.telegram.org',
    'ftp://api.telegram.org',
    'http://',
    'https://host/?q',
    'https://host/#f',
  ])('is not made for the API root %j', apiRoot => {
    expect(() => createTelegramClient({ token: '1:a', apiRoot })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    )
  })

  test('knows the public server, and its pace, however it is written', () => {
    for (const apiRoot of [
      'https://api.telegram.org',
      'https://api.telegram.org/',
      'https://API.telegram.org:443',
    ]) {
      expect(createTelegramClient({ token: '1:a', apiRoot })).toMatchObject({
        usesPublicServer: true,
        messagesPerMinute: 20,
      })
    }
    const local = createTelegramClient({ token: '1:a', apiRoot: 'http://127.0.0.1:8081' })
    expect(local).toMatchObject({ usesPublicServer: false, messagesPerMinute: 0, botId: '1' })
  })

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'is not made for %d messages per minute',
    perMinute => {
      expect(() => createTelegramClient({ token: '1:a', messagesPerMinute: perMinute })).toThrow(
        expect.objectContaining({ code: 'CONFIGURATION' }),
      )
    },
  )
})
