import { createHash, randomBytes } from 'node:crypto'
import { generateIdentity } from '@telegram-backup/archive'
import { describe, expect, test } from 'vitest'
import type { BackupMetadata, FetchBackupOptions, SentPart } from '#index.ts'
import { alteringProxy } from '#test/altering-proxy.ts'
import { type EmulatedChat, emulatedChat, fetchable, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { type FetchWay, fetchedInto, fetchedPieces } from '#test/fetch-ways.ts'

const PARTS = 5
const WAYS: ReadonlyArray<[string, FetchWay]> = [
  ['fetchBackup', fetchedPieces],
  ['fetchBackupInto', fetchedInto],
]

interface SentBackup {
  chat: EmulatedChat
  file: Buffer
  metadata: BackupMetadata
  parts: SentPart[]
}

async function sentBackup(chat?: EmulatedChat): Promise<SentBackup> {
  const at = chat ?? (await emulatedChat())
  const file = randomBytes((PARTS * PART_SIZE_BYTES) / 2)
  const { metadata } = await at.service.sendBackup({ projectId: 'shop', type: 'database', file })
  if (!metadata?.parts) throw new Error('it was not sent')
  expect(metadata.parts).toHaveLength(PARTS)
  return { chat: at, file, metadata, parts: metadata.parts }
}

/** Fetches what may be damaged, and expects to hear of it, and to have got nothing but good bytes before. */
async function expectDamage(
  way: FetchWay,
  { chat, file, metadata }: SentBackup,
  damage: Partial<FetchBackupOptions> & { service?: EmulatedChat['service']; expected: object },
): Promise<void> {
  const { service = chat.service, expected, ...options } = damage
  const all = { ...fetchable(metadata), identities: [chat.identity], ...options }
  const { bytes, error } = await way(service, all)
  expect(error).toMatchObject(expected)
  const { partNumber } = expected as { partNumber?: number }
  if (partNumber !== undefined) expect(error?.message).toMatch(new RegExp(`\\bpart ${partNumber}\\b`, 'i'))
  expect(bytes.length).toBeLessThan(file.length)
  expect(bytes.equals(file.subarray(0, bytes.length))).toBe(true)
}

/** A service that gets one part with a bit flipped, as often as it asks. */
async function serviceWithFlippedBit(
  { chat }: SentBackup,
  part: SentPart,
  at: number,
): Promise<EmulatedChat['service']> {
  const apiRoot = await alteringProxy(chat.emulator.url, ({ method, body }) => {
    if (method !== 'download' || createHash('sha256').update(body).digest('hex') !== part.sha256) return
    body.writeUInt8(body.readUInt8(at) ^ 1, at)
  })
  return chat.createService({ telegramClient: chat.createClient({ apiRoot }) })
}

/** Another document in the chat, as a part that is recorded as it lies there. */
async function planted(
  chat: EmulatedChat,
  number: number,
  bytes: Buffer,
): Promise<FetchBackupOptions['parts'][0]> {
  const document = { chatId: String(chat.chatId), fileName: 'planted.zst.age', bytes, caption: '' }
  const { fileId } = await chat.client.sendDocument(document)
  return { number, fileId, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

describe.each(WAYS)('%s', (_, way) => {
  test('names the part in which a bit is flipped, whichever it is and wherever', async () => {
    const backup = await sentBackup()
    for (const part of backup.parts) {
      for (const at of [0, 200, part.size - 1]) {
        const service = await serviceWithFlippedBit(backup, part, at)
        const expected = { code: 'INTEGRITY', partNumber: part.number }
        await expectDamage(way, backup, { service, expected })
      }
    }
  })

  test('names the part in which a bit is flipped also when the record was forged to fit', async () => {
    const backup = await sentBackup()
    const { chat, parts } = backup
    for (const { number, messageId, size } of parts) {
      const bytes = await chat.emulator.inspect.documentBytes(chat.chatId, messageId)
      bytes.writeUInt8(bytes.readUInt8(size - 100) ^ 1, size - 100)
      const forged = await planted(chat, number, bytes)
      await expectDamage(way, backup, {
        parts: parts.map(part => (part.number === number ? forged : part)),
        expected: { code: 'INTEGRITY', partNumber: number },
      })
    }
  })

  test('names a part that the chat no longer has, the last one too', async () => {
    const backup = await sentBackup()
    for (const { number } of backup.parts) {
      await expectDamage(way, backup, {
        parts: backup.parts.map(part => (part.number === number ? { ...part, fileId: 'gone' } : part)),
        expected: { code: 'INTEGRITY', partNumber: number },
      })
    }
  })

  test('names a part that the record lacks, the last one too', async () => {
    const backup = await sentBackup()
    for (const { number } of backup.parts) {
      await expectDamage(way, backup, {
        parts: backup.parts.filter(part => part.number !== number),
        // Without the last part, the one before it is not what it should be: not the last.
        expected: { code: 'INTEGRITY', partNumber: Math.min(number, PARTS - 1) },
      })
    }
  })

  test('names the first of two parts that were exchanged, in the chat or in the record', async () => {
    const backup = await sentBackup()
    const exchange = (one: number, other: number, whole: boolean): FetchBackupOptions['parts'] =>
      backup.parts.map(part => {
        const number = part.number === one ? other : part.number === other ? one : part.number
        const { fileId, size, sha256 } = backup.parts[number - 1] as SentPart
        return whole ? { ...part, fileId, size, sha256 } : { ...part, fileId }
      })
    for (const [one, other] of [
      [1, 2],
      [2, 4],
      [1, PARTS],
      [PARTS - 1, PARTS],
    ] as const) {
      const expected = { code: 'INTEGRITY', partNumber: one }
      await expectDamage(way, backup, { parts: exchange(one, other, false), expected })
      await expectDamage(way, backup, { parts: exchange(one, other, true), expected })
    }
  })

  test('names another backup’s part in the place of one', async () => {
    const backup = await sentBackup()
    const other = await sentBackup(backup.chat)
    for (const number of [1, 3, PARTS]) {
      const foreign = other.parts[number - 1] as SentPart
      const place = (part: SentPart, whole: boolean): FetchBackupOptions['parts'] =>
        backup.parts.map(mine =>
          mine.number === number ? (whole ? part : { ...mine, fileId: part.fileId }) : mine,
        )
      const expected = { code: 'INTEGRITY', partNumber: number }
      await expectDamage(way, backup, { parts: place(foreign, false), expected })
      await expectDamage(way, backup, { parts: place(foreign, true), expected })
    }
  })

  test('tells a wrong key from damage, and that it has nothing to do with a part but the first', async () => {
    const backup = await sentBackup()
    const { identity } = await generateIdentity()
    const expected = { code: 'WRONG_KEY', partNumber: 1 }
    const { bytes, error } = await way(backup.chat.service, {
      ...fetchable(backup.metadata),
      identities: [identity],
    })
    expect(error).toMatchObject(expected)
    expect(bytes).toHaveLength(0)
  })

  test('of some parts names the one that is damaged, by its own number', async () => {
    const backup = await sentBackup()
    const wanted = backup.parts.slice(1, 4)
    const lost = wanted.map(part => (part.number === 3 ? { ...part, fileId: 'gone' } : part))
    const damaged = await serviceWithFlippedBit(backup, wanted[1] as SentPart, 1000)
    for (const damage of [{ parts: lost }, { parts: wanted, service: damaged }]) {
      const { service = backup.chat.service, parts } = { service: undefined, ...damage }
      const options = {
        ...fetchable(backup.metadata),
        parts,
        partial: true,
        identities: [backup.chat.identity],
      }
      const { bytes, error } = await way(service, options)
      expect(error).toMatchObject({ code: 'INTEGRITY', partNumber: 3 })
      const begin = backup.parts[1]?.plainOffset ?? 0
      expect(bytes.equals(backup.file.subarray(begin, begin + bytes.length))).toBe(true)
    }
  })
})
