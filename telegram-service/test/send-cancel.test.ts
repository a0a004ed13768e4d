import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as after } from 'node:timers/promises'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BackupSendResult, SendBackupOptions } from '#index.ts'
import { alteringProxy } from '#test/altering-proxy.ts'
import { collect, type EmulatedChat, emulatedChat, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { expectHonestFailure, inChat, sendSixParts } from '#test/failed-send.ts'
import { type RecordingLedger, recordingLedger } from '#test/recording-ledger.ts'

/**
 * Sends six parts and cancels at the nth thing that happens: a call of the ledger, or news of the progress.
 */
async function cancelAt(
  chat: EmulatedChat,
  options: { moment: number; partsInFlight: number; file?: SendBackupOptions['file'] },
): Promise<{ result: BackupSendResult; ledger: RecordingLedger; moments: number }> {
  const cancel = new AbortController()
  let moments = 0
  const happened = (): void => {
    if (++moments === options.moment) cancel.abort()
  }
  const ledger = recordingLedger({ onCall: happened })
  const { result } = await sendSixParts(chat, {
    ledger,
    partsInFlight: options.partsInFlight,
    signal: cancel.signal,
    onProgress: happened,
    ...(options.file === undefined ? {} : { file: options.file }),
  })
  return { result, ledger, moments }
}

/**
 * A cancelled send leaves nothing; one whose manifest was proven before the cancel came through is a backup.
 */
async function expectCancelledOrWhole(
  chat: EmulatedChat,
  run: { result: BackupSendResult; ledger: RecordingLedger },
): Promise<void> {
  if (run.result.metadata) {
    expect(run.ledger.calls.at(-1)).toBe('confirmMessage manifest')
    expect((await collect(chat.fetch(run.result.metadata))).length).toBe(run.result.metadata.size)
    return
  }
  expectHonestFailure(chat, run)
  expect(run.result).toMatchObject({ error: 'Cancelled', cause: { code: 'CANCELLED' }, leftInChat: 0 })
  expect(inChat(chat)).toEqual([])
  expect([...run.ledger.states.values()].filter(state => state === 'confirmed')).toEqual([])
}

describe('a send that is cancelled', () => {
  test('at any moment of its run leaves nothing in the chat, and says so', async () => {
    const chat = await emulatedChat()
    const { moments } = await cancelAt(chat, { moment: 0, partsInFlight: 3 })
    for (const message of chat.messages())
      await chat.client.deleteMessage(String(chat.chatId), message.message_id)
    expect(moments).toBeGreaterThan(20)
    const rounds = roundsOf(12)
    let cancelled = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: moments }),
        fc.integer({ min: 1, max: 4 }),
        async (moment, partsInFlight) => {
          const run = await cancelAt(chat, { moment, partsInFlight })
          await expectCancelledOrWhole(chat, run)
          if (!run.result.success) cancelled++
          for (const message of chat.messages()) {
            await chat.client.deleteMessage(String(chat.chatId), message.message_id)
          }
        },
      ),
      { numRuns: rounds },
    )
    expect(cancelled).toBeGreaterThan(rounds / 5)
  })

  test('after any time leaves nothing in the chat, while the server takes its time', async () => {
    const chat = await emulatedChat()
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 120 }), async afterMs => {
        chat.emulator.faults.clear()
        chat.emulator.faults.on('sendDocument', { calls: 99 }, { kind: 'delay', ms: 15 })
        const ledger = recordingLedger()
        const signal = AbortSignal.timeout(afterMs)
        const { result } = await sendSixParts(chat, { ledger, partsInFlight: 3, signal })
        await expectCancelledOrWhole(chat, { result, ledger })
        for (const message of chat.messages()) {
          await chat.client.deleteMessage(String(chat.chatId), message.message_id)
        }
      }),
      { numRuns: roundsOf(5) },
    )
  })

  test('beforehand asks nobody and records nothing', async () => {
    const chat = await emulatedChat()
    const { result, ledger } = await sendSixParts(chat, { signal: AbortSignal.abort() })
    expect(result).toMatchObject({ success: false, cause: { code: 'CANCELLED' } })
    expect(ledger.calls).toEqual([])
    expect(chat.emulator.inspect.calls()).toBe(0)
  })

  test('during a flood wait ends at once', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call: 3 }, { kind: 'flood', retryAfterSeconds: 3000 })
    const cancel = new AbortController()
    const run = await sendSixParts(chat, {
      signal: cancel.signal,
      onProgress: ({ wait }) => wait?.reason === 'flood' && cancel.abort(),
    })
    expectHonestFailure(chat, run)
    expect(run.result.cause).toMatchObject({ code: 'CANCELLED' })
    expect(inChat(chat)).toEqual([])
  })

  test('during a wait for the pace ends at once', async () => {
    const chat = await emulatedChat()
    const service = chat.createService({ telegramClient: chat.createClient({ messagesPerMinute: 2 }) })
    const cancel = new AbortController()
    const waits: unknown[] = []
    const result = await service.sendBackup({
      projectId: 'shop',
      type: 'logs',
      file: randomBytes(4 * PART_SIZE_BYTES),
      signal: cancel.signal,
      onProgress: ({ wait }) => {
        if (!wait) return
        waits.push(wait.reason)
        cancel.abort()
      },
    })
    expect(result.cause).toMatchObject({ code: 'CANCELLED' })
    expect(waits[0]).toBe('pace')
    expect(inChat(chat)).toEqual([])
  })

  test('while the chat is slow to answer the first question does not wait for it', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('getChat', {}, { kind: 'delay', ms: 3_600_000 })
    const { result, ledger } = await sendSixParts(chat, { signal: AbortSignal.timeout(50) })
    expect(result).toMatchObject({ success: false, cause: { code: 'CANCELLED' } })
    expect(ledger.calls).toEqual([])
  })

  test('lets go of its source, a file or a stream that hangs', async () => {
    const chat = await emulatedChat()
    const path = join(chat.folder, 'dump.sql')
    await writeFile(path, randomBytes(2_000_000))
    const hanging = new Readable({ read() {} })
    hanging.push(randomBytes(100_000))
    const files: Array<[SendBackupOptions['file'], number]> = [
      [path, 3],
      [hanging, 1],
    ]
    for (const [file, moment] of files) {
      const run = await cancelAt(chat, { moment, partsInFlight: 1, file })
      expect(run.result.cause).toMatchObject({ code: 'CANCELLED' })
      expect(inChat(chat)).toEqual([])
    }
    expect(hanging.destroyed).toBe(true)
  })

  /** Cancels when the second message has arrived whole, and holds its answer back for a while. */
  async function cancelAfterArrival(
    chat: EmulatedChat,
    options: { heldMs: number; answerAfterCancelMs: number },
  ) {
    const cancel = new AbortController()
    const apiRoot = await alteringProxy(chat.emulator.url, async ({ method, count }) => {
      if (method !== 'sendDocument' || count !== 2) return
      cancel.abort()
      await after(options.heldMs)
    })
    const timeouts = { answerAfterCancelMs: options.answerAfterCancelMs }
    const telegramClient = chat.createClient({ apiRoot, timeouts })
    const ledger = recordingLedger()
    const result = await chat.createService({ telegramClient, partsInFlight: 1 }).sendBackup({
      projectId: 'shop',
      type: 'logs',
      file: randomBytes(2 * PART_SIZE_BYTES),
      ledger,
      signal: cancel.signal,
    })
    return { result, ledger }
  }

  test('learns of a message whose answer comes after the cancel, and takes it back', async () => {
    const chat = await emulatedChat()
    const run = await cancelAfterArrival(chat, { heldMs: 30, answerAfterCancelMs: 60_000 })
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code: 'CANCELLED' }, leftInChat: 0 })
    expect(run.ledger.calls).toContain('confirmMessage part 2')
    expect(run.ledger.states.get('part 2')).toBe('erased')
    expect(inChat(chat)).toEqual([])
  })

  test('and whose last answer never comes says that a message may be left', async () => {
    const chat = await emulatedChat()
    const run = await cancelAfterArrival(chat, { heldMs: 300, answerAfterCancelMs: 20 })
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code: 'CANCELLED' }, leftInChat: 1 })
    expect(run.ledger.states.get('part 2')).toBe('intended')
    expect(inChat(chat)).toEqual(['part 2'])
  })
})

describe('an observer that throws', () => {
  test.each([1, 5, 12])('at its call %i ends the send with that error, and leaves nothing', async call => {
    const chat = await emulatedChat()
    let calls = 0
    const run = await sendSixParts(chat, {
      onProgress: () => {
        if (++calls === call) throw new Error('the progress bar broke')
      },
    })
    expect(run.result).toMatchObject({ success: false, error: 'the progress bar broke' })
    expect(inChat(chat)).toEqual([])
  })
})
