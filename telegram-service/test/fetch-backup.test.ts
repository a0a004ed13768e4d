import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { generateIdentity } from '@telegram-backup/archive'
import type { Fault } from '@telegram-backup/bot-api-emulator'
import { describe, expect, test } from 'vitest'
import type { BackupMetadata, TelegramClient } from '#index.ts'
import { alteringProxy } from '#test/altering-proxy.ts'
import {
  collect,
  type EmulatedChat,
  emulatedChat,
  fetchable,
  PART_SIZE_BYTES,
  QUICK_POLICY,
} from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'

/** A backup of so many parts, sent; each part holds 32 KiB of random bytes. */
async function sent(chat: EmulatedChat, parts: number): Promise<{ file: Buffer; metadata: BackupMetadata }> {
  const file = randomBytes((parts * PART_SIZE_BYTES) / 2)
  const { metadata } = await chat.service.sendBackup({ projectId: 'shop', type: 'database', file })
  if (!metadata) throw new Error('it was not sent')
  expect(metadata.parts).toHaveLength(parts)
  return { file, metadata }
}

describe('fetching a backup', () => {
  test('gives equal bytes, whatever the order of its parts in the list', async () => {
    const chat = await emulatedChat()
    const { file, metadata } = await sent(chat, 7)
    const parts = metadata.parts?.toReversed() ?? []
    const heard: number[] = []
    const bytes = chat.service.fetchBackup({
      ...fetchable({ ...metadata, parts }),
      identities: [chat.identity],
      onPart: part => heard.push(part.number),
    })
    expect((await collect(bytes)).equals(file)).toBe(true)
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test.each<[string, string, Fault]>([
    ['a bit is flipped on the way', 'download', { kind: 'flip-bit', offset: 1000 }],
    ['a download is cut off', 'download', { kind: 'truncate', keepBytes: 1000 }],
    [
      'a download ends early, and nothing shows it',
      'download',
      { kind: 'truncate', keepBytes: 1000, hidden: true },
    ],
    ['a download is empty', 'download', { kind: 'truncate', keepBytes: 0, hidden: true }],
    ['a link gives 401', 'download', { kind: 'error', errorCode: 401, description: 'Unauthorized' }],
    ['a link has expired', 'download', { kind: 'error', errorCode: 404, description: 'Not Found' }],
    ['a proxy fails', 'download', { kind: 'status', status: 502 }],
    ['a download is reset', 'download', { kind: 'reset-before' }],
    ['a download is reset midway', 'download', { kind: 'reset-during' }],
    ['a download is slow', 'download', { kind: 'slow', bytesPerSecond: 300_000 }],
    ['a question is lost', 'getFile', { kind: 'reset-before' }],
    ['an answer is lost', 'getFile', { kind: 'answer-lost' }],
    [
      'the file is unavailable for a while',
      'getFile',
      {
        kind: 'error',
        errorCode: 400,
        description: 'Bad Request: wrong file_id or the file is temporarily unavailable',
      },
    ],
    ['a flood is to be waited for', 'getFile', { kind: 'flood', retryAfterSeconds: 1 }],
  ])('gives equal bytes also when %s once', async (_, method, fault) => {
    const chat = await emulatedChat()
    const { file, metadata } = await sent(chat, 3)
    chat.emulator.faults.on(method, { call: 2 }, fault)
    expect((await collect(chat.fetch(metadata))).equals(file)).toBe(true)
  })

  test('asks for a new link each time one fails, and not more often than the policy says', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 1)
    chat.emulator.faults.on(
      'download',
      { calls: 99 },
      { kind: 'error', errorCode: 404, description: 'Not Found' },
    )
    await expect(failureOf(collect(chat.fetch(metadata)))).resolves.toMatchObject({ code: 'ANSWER_LOST' })
    expect(chat.emulator.inspect.calls('getFile')).toBe(QUICK_POLICY.maxTries)
    expect(chat.emulator.inspect.calls('download')).toBe(QUICK_POLICY.maxTries)
    chat.emulator.faults.clear()
    chat.emulator.faults.on('getFile', { calls: 99 }, { kind: 'status', status: 502 })
    await expect(failureOf(collect(chat.fetch(metadata)))).resolves.toMatchObject({ code: 'ANSWER_LOST' })
    expect(chat.emulator.inspect.calls('getFile')).toBe(2 * QUICK_POLICY.maxTries)
  })
})

describe('a part that cannot be had', () => {
  test('is named when its bytes are always wrong', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 5)
    const damaged = metadata.parts?.[3]
    let downloads = 0
    const apiRoot = await alteringProxy(chat.emulator.url, ({ method, body }) => {
      if (method !== 'download' || createHash('sha256').update(body).digest('hex') !== damaged?.sha256) return
      downloads++
      body.writeUInt8(body.readUInt8(1000) ^ 1, 1000)
    })
    const service = chat.createService({ telegramClient: chat.createClient({ apiRoot }) })
    const bytes = service.fetchBackup({ ...fetchable(metadata), identities: [chat.identity] })
    await expect(failureOf(collect(bytes))).resolves.toMatchObject({ code: 'INTEGRITY', partNumber: 4 })
    expect(downloads).toBe(3)
  })

  test.each<[string, (fileId: string, chat: EmulatedChat) => string | Promise<string>]>([
    ['has a dead file id', () => 'nonsense'],
    ['has an empty file id', () => ''],
    [
      'has another bot’s file id',
      async (_, chat) => {
        const stranger = chat.emulator.createBot()
        chat.emulator.asHuman.promote(chat.chatId, stranger)
        const client = chat.createClient({ token: stranger.token })
        const document = {
          chatId: String(chat.chatId),
          fileName: 'x.bin',
          bytes: Buffer.from('x'),
          caption: '',
        }
        return (await client.sendDocument(document)).fileId
      },
    ],
  ])('is named when it %s', async (_, change) => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 3)
    const [first, second, third] = metadata.parts ?? []
    if (!first || !second || !third) throw new Error('three parts are expected')
    const lost = { ...second, fileId: await change(second.fileId, chat) }
    const error = await failureOf(collect(chat.fetch({ ...metadata, parts: [first, lost, third] })))
    expect(error).toMatchObject({ code: 'INTEGRITY', partNumber: 2 })
    expect(error.message).toContain('Part 2')
  })

  test.each<[string, (size: number) => number]>([
    ['longer', size => size - 1],
    ['much longer', () => 1],
    ['shorter', size => size + 1],
  ])('is named when its file is %s than recorded', async (_, size) => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 2)
    const parts =
      metadata.parts?.map(part => (part.number === 2 ? { ...part, size: size(part.size) } : part)) ?? []
    await expect(failureOf(collect(chat.fetch({ ...metadata, parts })))).resolves.toMatchObject({
      code: 'INTEGRITY',
      partNumber: 2,
    })
  })

  test('is named when two are exchanged, one is missing, or one comes twice', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 3)
    const [first, second, third] = metadata.parts ?? []
    if (!first || !second || !third) throw new Error('three parts are expected')
    const exchanged = [first, { ...third, number: 2 }, { ...second, number: 3 }]
    for (const parts of [exchanged, [first, third], [first, second], [first, second, second, third], []]) {
      const error = await failureOf(collect(chat.fetch({ ...metadata, parts })))
      expect(error.code).toBe('INTEGRITY')
    }
  })

  test('is not called missing when a flood, or the token, is the reason', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 2)
    chat.emulator.faults.on('getFile', { calls: 99 }, { kind: 'flood', retryAfterSeconds: 9999 })
    await expect(failureOf(collect(chat.fetch(metadata)))).resolves.toMatchObject({
      code: 'REFUSED',
      retryAfterSeconds: 9999,
    })
    chat.emulator.faults.clear()
    chat.emulator.asHuman.revokeToken({ id: chat.botId })
    await expect(failureOf(collect(chat.fetch(metadata)))).resolves.toMatchObject({ code: 'CONFIGURATION' })
  })
})

describe('the key', () => {
  test('must be given, and fit', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 1)
    const { identity } = await generateIdentity()
    const wrong = chat.service.fetchBackup({ ...fetchable(metadata), identities: [identity] })
    await expect(failureOf(collect(wrong))).resolves.toMatchObject({ code: 'WRONG_KEY' })
    expect(() => chat.service.fetchBackup({ ...fetchable(metadata), identities: [] })).toThrow(
      expect.objectContaining({ code: 'NO_KEY' }),
    )
  })
})

describe('a consumer', () => {
  test('that stops early leaves no download running', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 8)
    chat.emulator.faults.on('download', { call: 3, calls: 99 }, { kind: 'delay', ms: 3_600_000 })
    for await (const _ of chat.fetch(metadata)) break
    const { inspect } = chat.emulator
    while (
      inspect.requests().filter(({ method }) => method === 'download').length < inspect.calls('download')
    ) {
      await after(1)
    }
    // A question for a path may still be on its way.
    for (let calls = -1; calls !== inspect.calls(); await after(50)) calls = inspect.calls()
  })

  test('that is slow keeps the downloads from running ahead', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 60)
    let [started, underWay, mostUnderWay] = [0, 0, 0]
    const telegramClient: TelegramClient = {
      ...chat.client,
      downloadFile: async (fileId, options) => {
        started++
        mostUnderWay = Math.max(mostUnderWay, ++underWay)
        return chat.client.downloadFile(fileId, options).finally(() => underWay--)
      },
    }
    const service = chat.createService({ telegramClient })
    let taken = 0
    let furthestAhead = 0
    for await (const piece of service.fetchBackup({ ...fetchable(metadata), identities: [chat.identity] })) {
      // Each piece is what one part holds.
      taken++
      expect(piece.length).toBe(PART_SIZE_BYTES / 2)
      if (taken % 10 === 1) await after(100)
      furthestAhead = Math.max(furthestAhead, started - taken)
    }
    expect(taken).toBe(60)
    expect(mostUnderWay).toBe(2)
    // Two downloads, and what the archive has opened, unpacked and not given out yet: blocks as small as
    // these, four parts' worth for each of its threads. However many parts there are, it is no more.
    expect(furthestAhead).toBeLessThanOrEqual(20)
  })

  test('that cancels need not wait for what hangs', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 4)
    for (const method of ['getFile', 'download']) {
      chat.emulator.faults.clear()
      chat.emulator.faults.on(method, { call: 2, calls: 99 }, { kind: 'delay', ms: 3_600_000 })
      const error = await failureOf(collect(chat.fetch(metadata, AbortSignal.timeout(100))))
      expect(error.code).toBe('CANCELLED')
    }
    const error = await failureOf(collect(chat.fetch(metadata, AbortSignal.abort())))
    expect(error.code).toBe('CANCELLED')
  })
})
