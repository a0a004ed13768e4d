import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { openManifest } from '@telegram-backup/archive'
import { describe, expect, test } from 'vitest'
import type { BackupMetadata, BackupSendResult, SendProgress } from '#index.ts'
import { collect, emulatedChat, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { recordingLedger } from '#test/recording-ledger.ts'

const PROJECT = { projectId: 'shop', type: 'database' } as const

function succeeded(result: BackupSendResult): BackupMetadata {
  expect(result).toMatchObject({ success: true })
  return result.metadata as BackupMetadata
}

describe('a backup', () => {
  test.each([
    ['nothing', 0],
    ['one byte', 1],
    ['less than one part', 40_000],
    ['a few parts', 5 * PART_SIZE_BYTES],
    ['many parts', 40 * PART_SIZE_BYTES],
  ])('of %s lies in the chat whole, and comes back equal', async (_, sizeBytes) => {
    const chat = await emulatedChat()
    const file = randomBytes(sizeBytes)
    const metadata = succeeded(await chat.service.sendBackup({ ...PROJECT, file }))
    const parts = metadata.parts ?? []
    expect(metadata.size).toBe(sizeBytes)
    expect(parts.length).toBeGreaterThanOrEqual(Math.max(1, Math.ceil(sizeBytes / PART_SIZE_BYTES)))
    expect(parts.map(part => part.number)).toEqual(parts.map((_part, index) => index + 1))
    const messages = chat.messages()
    expect(messages.map(message => message.message_id).sort((a, b) => a - b)).toEqual(
      [...parts.map(part => part.messageId), metadata.manifest?.messageId ?? 0].sort((a, b) => a - b),
    )
    for (const message of messages) expect(message.document?.file_size).toBeLessThanOrEqual(PART_SIZE_BYTES)
    expect((await collect(chat.fetch(metadata))).equals(file)).toBe(true)
  })

  test('that fills exactly one part has one, and its name carries no number', async () => {
    const chat = await emulatedChat()
    const metadata = succeeded(await chat.service.sendBackup({ ...PROJECT, file: randomBytes(32 * 1024) }))
    expect(metadata.parts).toHaveLength(1)
    expect(chat.messages()[0]?.document?.file_name).toMatch(
      /^shop_database_\d{8}T\d{6}Z_[0-9a-f]{8}\.sql\.zst\.age$/,
    )
  })

  test('given as a path, a Buffer or a stream comes back equal', async () => {
    const chat = await emulatedChat()
    const bytes = randomBytes(200_000)
    const path = join(chat.folder, 'dump.sql')
    await writeFile(path, bytes)
    for (const file of [path, bytes, Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])]) {
      const metadata = succeeded(await chat.service.sendBackup({ ...PROJECT, file }))
      expect((await collect(chat.fetch(metadata))).equals(bytes)).toBe(true)
    }
  })

  test('in clear text, turned on by name, comes back equal', async () => {
    const chat = await emulatedChat()
    const service = chat.createService({ encryption: 'off' })
    const bytes = randomBytes(200_000)
    const metadata = succeeded(await service.sendBackup({ ...PROJECT, file: bytes }))
    expect(metadata.encrypted).toBe(false)
    expect(chat.messages().every(message => message.document?.file_name.endsWith('.zst'))).toBe(true)
    expect((await collect(chat.fetch(metadata))).equals(bytes)).toBe(true)
  })

  test('has its manifest as the last message, which describes every part', async () => {
    const chat = await emulatedChat()
    const ledger = recordingLedger()
    const expiresAt = new Date('2030-01-02T03:04:05Z')
    const metadata = succeeded(
      await chat.service.sendBackup({ ...PROJECT, file: randomBytes(500_000), ledger, expiresAt }),
    )
    const last = chat.messages().at(-1)
    expect(last?.message_id).toBe(metadata.manifest?.messageId)
    expect(last?.document?.file_name).toMatch(/_manifest\.zst\.age$/)
    const bytes = await chat.emulator.inspect.documentBytes(chat.chatId, last?.message_id ?? 0)
    const { manifest, signer } = await openManifest(bytes, { identities: [chat.identity], encrypted: true })
    expect(signer).toBe(metadata.signer)
    expect(manifest).toMatchObject({
      backup: { id: metadata.id, project: 'shop', type: 'database' },
      catalogId: '6a3f0c9e-5f0e-4a53-9b6d-0d9b3f5f9c11',
      generation: 2,
      plainSize: 500_000,
      plainSha256: metadata.plainSha256,
      archiveSha256: metadata.archiveSha256,
      expiresAt: '2030-01-02T03:04:05.000Z',
    })
    expect(manifest.parts).toEqual(
      metadata.parts?.map(({ number, size, sha256, plainOffset, plainSize, messageId, fileId }) => ({
        number,
        size,
        sha256,
        plainOffset,
        plainSize,
        messageId,
        fileId,
      })),
    )
    for (const part of manifest.parts) {
      const stored = chat.messages().find(message => message.message_id === part.messageId)
      expect(stored?.document).toMatchObject({ file_size: part.size, sha256: part.sha256 })
    }
  })

  test('goes out several parts at once, and never more than asked', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { calls: 100 }, { kind: 'delay', ms: 150 })
    const file = randomBytes(12 * PART_SIZE_BYTES)
    let arrive = (): Promise<void> | undefined => undefined
    chat.emulator.watch(({ method, phase }) =>
      method === 'senddocument' && phase === 'arrived' ? arrive() : undefined,
    )
    for (const partsInFlight of [1, 3]) {
      // The first ones wait for each other: on a busy machine the next part may not be made in so short a
      // time.
      let arrived = 0
      const areTogether = Promise.withResolvers<void>()
      arrive = () => {
        if (++arrived === partsInFlight) areTogether.resolve()
        return areTogether.promise
      }
      succeeded(await chat.createService({ partsInFlight }).sendBackup({ ...PROJECT, file }))
      expect(chat.emulator.inspect.maximumConcurrent('sendDocument')).toBe(partsInFlight)
    }
  })
})

describe('the ledger', () => {
  test('hears of each message before the server does, and again when it is proven', async () => {
    const chat = await emulatedChat()
    const arrivedBeforeIntent: string[] = []
    let arrived = 0
    const ledger = recordingLedger({
      onCall: call => {
        if (!call.startsWith('intendMessage')) return
        // Whatever has arrived so far was intended before: this one cannot be among it.
        const intended = ledger.calls.filter(earlier => earlier.startsWith('intendMessage')).length
        arrived = chat.emulator.inspect.calls('sendDocument')
        if (arrived >= intended) arrivedBeforeIntent.push(call)
      },
    })
    const metadata = succeeded(
      await chat.service.sendBackup({ ...PROJECT, file: randomBytes(10 * PART_SIZE_BYTES), ledger }),
    )
    expect(arrivedBeforeIntent).toEqual([])
    expect(ledger.calls[0]).toBe('openBackup')
    const messages = [...(metadata.parts ?? []).map(part => `part ${part.number}`), 'manifest']
    for (const message of messages) {
      const about = ledger.calls.filter(call => call.endsWith(` ${message}`))
      expect(about).toEqual([`intendMessage ${message}`, `confirmMessage ${message}`])
    }
    expect(ledger.calls.slice(-2)).toEqual(['intendMessage manifest', 'confirmMessage manifest'])
    // And the manifest is sealed into the ledger before it is sent, naming what others have sent until then.
    expect(ledger.calls.slice(-4, -2)).toEqual(['manifestBelow', 'sealBackup'])
    expect(ledger.calls).toHaveLength(3 + 2 * messages.length)
  })
})

describe('progress', () => {
  test('only grows, also through flood waits, and ends with everything out', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call: 2, calls: 2 }, { kind: 'flood', retryAfterSeconds: 0 })
    const told: SendProgress[] = []
    // Large enough that a part does not go out in one piece.
    const partSizeBytes = 2 * 1024 * 1024
    const file = randomBytes(3 * partSizeBytes)
    const metadata = succeeded(
      await chat
        .createService({ partSizeBytes })
        .sendBackup({ ...PROJECT, file, onProgress: progress => told.push(progress) }),
    )
    for (const [index, progress] of told.entries()) {
      const before = told[index - 1]
      if (before === undefined) continue
      expect(progress.plainBytesRead).toBeGreaterThanOrEqual(before.plainBytesRead)
      expect(progress.bytesOut).toBeGreaterThanOrEqual(before.bytesOut)
      expect(progress.partsSent).toBeGreaterThanOrEqual(before.partsSent)
    }
    // The two messages that met a flood wait, and so may others: the wait is the chat's.
    const waits = told.filter(progress => progress.wait).map(progress => progress.wait?.reason)
    expect(waits.length).toBeGreaterThanOrEqual(2)
    expect(waits).toContain('flood')
    expect(waits.filter(reason => reason !== 'flood' && reason !== 'pace')).toEqual([])
    expect(told.at(-1)).toMatchObject({
      plainBytesRead: file.length,
      plainBytesTotal: file.length,
      partsSent: metadata.parts?.length,
    })
    expect(told.at(-1)?.bytesOut).toBeGreaterThan(
      (metadata.archiveSize ?? 0) + (metadata.manifest?.size ?? 0),
    )
  })
})
