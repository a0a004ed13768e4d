import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BackupMetadata } from '#index.ts'
import { type EmulatedChat, emulatedChat, fetchable, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { type FetchWay, fetchedInto, fetchedPieces } from '#test/fetch-ways.ts'
import { failureOf } from '#test/odd-exchange.ts'

async function sent(
  chat: EmulatedChat,
  sizeBytes: number,
): Promise<{ file: Buffer; metadata: BackupMetadata }> {
  const file = randomBytes(sizeBytes)
  const { metadata, error } = await chat.service.sendBackup({ projectId: 'shop', type: 'storage', file })
  if (!metadata) throw new Error(error)
  return { file, metadata }
}

describe('fetching into a file', () => {
  test.each([0, 1, 40_000, 10 * PART_SIZE_BYTES])(
    'gives %i bytes as they were, and tells how many',
    async size => {
      const chat = await emulatedChat()
      const { file, metadata } = await sent(chat, size)
      const path = join(chat.folder, 'out')
      const out = await open(path, 'w')
      const told: number[] = []
      const { plainSize } = await chat.service.fetchBackupInto(out.fd, {
        ...fetchable(metadata),
        identities: [chat.identity],
        onProgress: written => told.push(written),
      })
      await out.close()
      expect(plainSize).toBe(size)
      expect((await readFile(path)).equals(file)).toBe(true)
      expect(told).toEqual([...told].sort((a, b) => a - b))
      expect(told.at(-1) ?? 0).toBe(size)
    },
  )

  test('goes on where the file stands, and leaves it open', async () => {
    const chat = await emulatedChat()
    const { file, metadata } = await sent(chat, 100_000)
    const path = join(chat.folder, 'out')
    const out = await open(path, 'w')
    await out.write('before ')
    await chat.service.fetchBackupInto(out.fd, { ...fetchable(metadata), identities: [chat.identity] })
    await out.write(' after')
    await out.close()
    const expected = Buffer.concat([Buffer.from('before '), file, Buffer.from(' after')])
    expect((await readFile(path)).equals(expected)).toBe(true)
  })

  test('tells of a file that cannot be written, and ends the downloads', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 20 * PART_SIZE_BYTES)
    const full = await open('/dev/full', 'w')
    onTestFinished(() => full.close())
    const error = await failureOf(
      chat.service.fetchBackupInto(full.fd, { ...fetchable(metadata), identities: [chat.identity] }),
    )
    expect(`${error.message} ${String(error.cause)}`).toMatch(/ENOSPC|no space/i)
    expect(chat.emulator.inspect.calls('download')).toBeLessThan(metadata.parts?.length ?? 0)
  })

  test('that is cancelled ends, also while a download hangs', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 5 * PART_SIZE_BYTES)
    chat.emulator.faults.on('download', { call: 3, calls: 99 }, { kind: 'delay', ms: 3_600_000 })
    const path = join(chat.folder, 'out')
    const out = await open(path, 'w')
    const cancel = new AbortController()
    const fetching = failureOf(
      chat.service.fetchBackupInto(out.fd, {
        ...fetchable(metadata),
        identities: [chat.identity],
        signal: cancel.signal,
        onProgress: () => cancel.abort(),
      }),
    )
    await expect(fetching).resolves.toMatchObject({ code: 'CANCELLED' })
    await out.close()
    expect((await stat(path)).size).toBeLessThan(metadata.size)
  })

  test('tells of a missing key before anything is fetched', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 1000)
    const before = chat.emulator.inspect.calls()
    const fetching = chat.service.fetchBackupInto(0, { ...fetchable(metadata), identities: [] })
    await expect(failureOf(fetching)).resolves.toMatchObject({ code: 'NO_KEY' })
    expect(chat.emulator.inspect.calls()).toBe(before)
  })
})

describe.each<[string, FetchWay]>([
  ['fetchBackup', fetchedPieces],
  ['fetchBackupInto', fetchedInto],
])('part of a backup by %s', (_, way) => {
  test('is what lies in its parts, and fetches no others', async () => {
    const chat = await emulatedChat()
    const { file, metadata } = await sent(chat, 12 * PART_SIZE_BYTES)
    const parts = metadata.parts ?? []
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: parts.length - 1 }),
        fc.integer({ min: 1, max: parts.length }),
        async (first, count) => {
          const wanted = parts.slice(first, first + count)
          const before = chat.emulator.inspect.calls('download')
          const { bytes, error } = await way(chat.service, {
            ...fetchable({ ...metadata, parts: wanted.toReversed() }),
            partial: true,
            identities: [chat.identity],
          })
          expect(error).toBeUndefined()
          const begin = wanted[0]?.plainOffset ?? 0
          const size = wanted.reduce((sum, part) => sum + part.plainSize, 0)
          expect(bytes.equals(file.subarray(begin, begin + size))).toBe(true)
          expect(chat.emulator.inspect.calls('download') - before).toBe(wanted.length)
        },
      ),
      { numRuns: roundsOf(5) },
    )
  })

  test('is refused unless its parts are consecutive', async () => {
    const chat = await emulatedChat()
    const { metadata } = await sent(chat, 3 * PART_SIZE_BYTES)
    const [first, , third] = metadata.parts ?? []
    for (const parts of [first && third ? [first, third] : [], []]) {
      const { bytes, error } = await way(chat.service, {
        ...fetchable({ ...metadata, parts }),
        partial: true,
        identities: [chat.identity],
      })
      expect(error).toMatchObject({ code: 'CONFIGURATION' })
      expect(bytes).toHaveLength(0)
    }
  })
})
