import { randomBytes } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { BackupMetadata, SentPart, TelegramClient } from '#index.ts'
import { alteringProxy, alterResult } from '#test/altering-proxy.ts'
import { collect, type EmulatedChat, emulatedChat, fetchable, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'

async function sent(
  chat: EmulatedChat,
  parts: number,
): Promise<{ file: Buffer; metadata: BackupMetadata; parts: SentPart[] }> {
  const file = randomBytes((parts * PART_SIZE_BYTES) / 2)
  const { metadata } = await chat.service.sendBackup({ projectId: 'shop', type: 'database', file })
  if (!metadata?.parts) throw new Error('it was not sent')
  return { file, metadata, parts: metadata.parts }
}

/** A client that counts what is under way at the server, and that takes a while to end it. */
function countingClient(chat: EmulatedChat): { client: TelegramClient; underWay: () => number } {
  let underWay = 0
  const counted = async <Result>(work: Promise<Result>): Promise<Result> => {
    underWay++
    try {
      return await work
    } finally {
      await after(20)
      underWay--
    }
  }
  return {
    underWay: () => underWay,
    client: {
      ...chat.client,
      locateFile: (fileId, options) => counted(chat.client.locateFile(fileId, options)),
      downloadFile: (fileId, options) => counted(chat.client.downloadFile(fileId, options)),
    },
  }
}

describe('fetching ahead', () => {
  test('asks for each path once, before the download of its part could begin', async () => {
    const chat = await emulatedChat()
    const { file, metadata, parts } = await sent(chat, 10)
    const before = chat.emulator.inspect.calls('getFile')
    // No download goes on before three paths are known.
    let answered = 0
    const areKnown = Promise.withResolvers<void>()
    chat.emulator.watch(({ method, phase }) => {
      if (method === 'getfile' && phase === 'answered' && ++answered === 3) areKnown.resolve()
      return method === 'download' && phase === 'arrived' ? areKnown.promise : undefined
    })
    chat.emulator.faults.on('download', { calls: 99 }, { kind: 'delay', ms: 50 })
    expect((await collect(chat.fetch(metadata))).equals(file)).toBe(true)
    expect(chat.emulator.inspect.calls('getFile') - before).toBe(parts.length)
    // Two at a time; to the server one may seem to go on for a moment when its bytes are all read.
    expect(chat.emulator.inspect.maximumConcurrent('download')).toBeGreaterThanOrEqual(2)
    expect(chat.emulator.inspect.maximumConcurrent('download')).toBeLessThanOrEqual(4)
    const order = chat.emulator.inspect.requests().map(({ method }) => method)
    // Those of the two parts under way, and of parts whose downloads have not begun.
    const known = order.slice(0, order.indexOf('download')).filter(method => method === 'getfile')
    expect(known.length).toBeGreaterThan(2)
  })

  test('asks anew when what lies at the path is not the part', async () => {
    const chat = await emulatedChat()
    const { file, metadata, parts } = await sent(chat, 4)
    const other = await chat.client.locateFile(parts[3]?.fileId ?? '')
    const apiRoot = await alteringProxy(chat.emulator.url, answer => {
      if (answer.method === 'getFile' && answer.count <= 2) {
        alterResult(answer, result => ({ ...result, file_path: other }))
      }
    })
    const service = chat.createService({ telegramClient: chat.createClient({ apiRoot }) })
    const bytes = service.fetchBackup({ ...fetchable(metadata), identities: [chat.identity] })
    expect((await collect(bytes)).equals(file)).toBe(true)
  })

  test('tells of a part that is gone at once, though other downloads hang, and leaves none under way', async () => {
    const chat = await emulatedChat()
    const { metadata, parts } = await sent(chat, 6)
    const gone = parts.map(part => (part.number === 1 ? { ...part, fileId: 'gone' } : part))
    chat.emulator.faults.on('download', { calls: 99 }, { kind: 'delay', ms: 3_600_000 })
    chat.emulator.faults.on('getFile', { call: 4, calls: 99 }, { kind: 'delay', ms: 3_600_000 })
    const { client, underWay } = countingClient(chat)
    const service = chat.createService({ telegramClient: client })
    const bytes = service.fetchBackup({
      ...fetchable({ ...metadata, parts: gone }),
      identities: [chat.identity],
    })
    await expect(failureOf(collect(bytes))).resolves.toMatchObject({ code: 'INTEGRITY', partNumber: 1 })
    expect(underWay()).toBe(0)
  })
})
