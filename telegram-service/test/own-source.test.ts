import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { MemberIndexWriter, openManifest } from '@telegram-backup/archive'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BackupSource, type SendProgress, type SourceEnd, TelegramError } from '#index.ts'
import { collect, type EmulatedChat, emulatedChat, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { expectHonestFailure, inChat, PARTS, sendSixParts } from '#test/failed-send.ts'
import { recordingLedger } from '#test/recording-ledger.ts'

interface ObservedSource extends BackupSource {
  /** What was asked of it, in order. */
  readonly calls: string[]
}

/** A source of six parts that writes down what is asked of it. */
function observedSource(
  options: {
    archiveSource?: BackupSource['archiveSource']
    finish?: () => Promise<SourceEnd>
    close?: () => Promise<void>
    onCall?: (call: string) => void
  } = {},
): ObservedSource {
  const calls: string[] = []
  const note = (call: string): void => {
    calls.push(call)
    options.onCall?.(call)
  }
  return {
    calls,
    archiveSource: options.archiveSource ?? randomBytes((PARTS * PART_SIZE_BYTES) / 2),
    filename: 'shop.tar',
    sizeBytes: undefined,
    estimatedBytes: 1_000_000,
    facts: { kind: 'directory', tool: { name: 'tar', version: [1, 35] }, warnings: null },
    finish: plainBytesRead => {
      note(`finish ${plainBytesRead}`)
      return options.finish?.() ?? Promise.resolve({})
    },
    close: () => {
      note('close')
      return options.close?.() ?? Promise.resolve()
    },
  }
}

const ALL_READ = `finish ${(PARTS * PART_SIZE_BYTES) / 2}`

async function lastManifest(
  chat: EmulatedChat,
): Promise<Awaited<ReturnType<typeof openManifest>>['manifest']> {
  const bytes = await chat.emulator.inspect.documentBytes(
    chat.chatId,
    chat.messages().at(-1)?.message_id ?? 0,
  )
  return (await openManifest(bytes, { identities: [chat.identity], encrypted: true })).manifest
}

describe('a source of the caller’s own', () => {
  test('is recorded with what its beginning and its end tell, the members in the manifest', async () => {
    const chat = await emulatedChat()
    const writer = new MemberIndexWriter()
    writer.add({ path: 'a file', offset: 0, size: 5, kind: 'file' })
    const members = writer.finish()
    if (!members) throw new Error('one member fits')
    const source = observedSource({
      finish: async () => ({ facts: { warnings: ['b: file changed'], files: 1 }, members }),
    })
    const bytes = source.archiveSource as Buffer
    const told: SendProgress[] = []
    const ledger = recordingLedger()
    const beginnings: unknown[] = []
    const openBackup = ledger.openBackup.bind(ledger)
    ledger.openBackup = intent => {
      beginnings.push(intent.source)
      return openBackup(intent)
    }
    const { result } = await sendSixParts(chat, {
      file: source,
      ledger,
      onProgress: state => told.push(state),
    })
    const begun = { kind: 'directory', tool: { name: 'tar', version: [1, 35] }, warnings: null }
    const facts = { ...begun, warnings: ['b: file changed'], files: 1 }
    expect(beginnings).toEqual([{ ...begun, filename: 'shop.tar' }])
    expect(result.metadata?.source).toEqual({ ...facts, filename: 'shop.tar' })
    expect(result.metadata?.filename).toMatch(/\.tar$/)
    const manifest = await lastManifest(chat)
    expect(manifest.source).toEqual(facts)
    expect(manifest.members).toEqual(members)
    expect(source.calls).toEqual([ALL_READ, 'close'])
    expect(told.at(-1)).toMatchObject({ plainBytesTotal: undefined, plainBytesEstimated: 1_000_000 })
    if (!result.metadata) throw new Error(result.error)
    expect((await collect(chat.fetch(result.metadata))).equals(bytes)).toBe(true)
  })

  test('may be renamed by the caller', async () => {
    const chat = await emulatedChat()
    const { result } = await sendSixParts(chat, { file: observedSource(), filename: 'other.log' })
    expect(result.metadata?.filename).toMatch(/\.log$/)
    expect((await lastManifest(chat)).backup.filename).toBe('other.log')
  })

  test('is asked for its last word when every part is proven, before the manifest is intended', async () => {
    const chat = await emulatedChat()
    const ledger = recordingLedger()
    const seen: Array<{ call: string; ledger: string | undefined; inChat: number }> = []
    const source = observedSource({
      onCall: call => seen.push({ call, ledger: ledger.calls.at(-1), inChat: inChat(chat).length }),
    })
    await sendSixParts(chat, { file: source, ledger })
    const before = { ledger: `confirmMessage part ${PARTS}`, inChat: PARTS }
    expect(seen).toEqual([
      { call: ALL_READ, ...before },
      { call: 'close', ...before },
    ])
  })

  test.each<[string, () => Promise<SourceEnd>]>([
    [
      'in the end',
      async () => {
        throw new TelegramError('pg_dump ended with exit code 1', {
          code: 'SOURCE',
          hint: 'Look at its words.',
        })
      },
    ],
    [
      'before it returns a promise',
      () => {
        throw new TelegramError('pg_dump ended with exit code 1', {
          code: 'SOURCE',
          hint: 'Look at its words.',
        })
      },
    ],
  ])('that says %s that it was no good leaves nothing in the chat', async (_, finish) => {
    const chat = await emulatedChat()
    const source = observedSource({ finish })
    const run = await sendSixParts(chat, { file: source })
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({
      error: 'pg_dump ended with exit code 1',
      cause: { code: 'SOURCE', hint: 'Look at its words.' },
      leftInChat: 0,
    })
    expect(inChat(chat)).toEqual([])
    expect(run.ledger.calls).not.toContain('intendMessage manifest')
    expect(source.calls).toEqual([ALL_READ, 'close'])
  })

  test('that fails while it is read is closed without being asked, before its parts are taken back', async () => {
    const chat = await emulatedChat()
    const bytes = new Readable({
      read() {
        if (chat.messages().length < 2) this.push(randomBytes(50_000))
        else this.destroy(new Error('the pipe broke'))
      },
    })
    let deletedBefore = -1
    const source = observedSource({
      archiveSource: bytes,
      onCall: () => {
        deletedBefore = chat.emulator.inspect.calls('deleteMessage')
      },
    })
    const run = await sendSixParts(chat, { file: source })
    expectHonestFailure(chat, run)
    expect(source.calls).toEqual(['close'])
    expect(deletedBefore).toBe(0)
    expect(chat.emulator.inspect.calls('deleteMessage')).toBeGreaterThan(0)
    expect(inChat(chat)).toEqual([])
  })
})

describe('closing a source', () => {
  test.each<[string, Parameters<typeof sendSixParts>[1]]>([
    ['the project id is refused', { projectId: 'not a valid one' }],
    ['the file name is refused', { filename: 'a\nb' }],
    ['the chat is not there', { chatId: '-1009999999999' }],
    ['the send is cancelled beforehand', { signal: AbortSignal.abort() }],
    ['the ledger fails at once', { ledger: recordingLedger({ failAt: { method: 'openBackup' } }) }],
    [
      'the ledger fails midway',
      { ledger: recordingLedger({ failAt: { method: 'intendMessage', call: 3 } }) },
    ],
  ])('happens once when %s', async (_, options) => {
    const chat = await emulatedChat()
    const source = observedSource()
    const { result } = await sendSixParts(chat, { file: source, ...options })
    expect(result.success).toBe(false)
    expect(source.calls).toEqual(['close'])
    expect(inChat(chat)).toEqual([])
  })

  test('happens once, and is waited for, when the send is cancelled at any moment', async () => {
    const chat = await emulatedChat()
    const run = async (
      moment: number,
    ): Promise<{ moments: number; source: ObservedSource; success: boolean }> => {
      const cancel = new AbortController()
      let moments = 0
      const happened = (): void => {
        if (++moments === moment) cancel.abort()
      }
      let isClosed = false
      const source = observedSource({
        onCall: call => call !== 'close' && happened(),
        close: async () => {
          for (let turns = 0; turns < 5; turns++) await turn()
          isClosed = true
        },
      })
      const { result } = await sendSixParts(chat, {
        file: source,
        partsInFlight: 3,
        signal: cancel.signal,
        ledger: recordingLedger({ onCall: happened }),
        onProgress: happened,
      })
      expect(isClosed).toBe(true)
      if (!result.success) expect(inChat(chat)).toEqual([])
      for (const { message_id } of chat.messages()) {
        await chat.client.deleteMessage(String(chat.chatId), message_id)
      }
      return { moments, source, success: result.success }
    }
    const { moments } = await run(0)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: moments }), async moment => {
        const { source } = await run(moment)
        expect(source.calls.filter(call => call === 'close')).toHaveLength(1)
        expect(source.calls.at(-1)).toBe('close')
        expect(source.calls.length).toBeLessThanOrEqual(2)
      }),
      { numRuns: roundsOf(8) },
    )
  })

  test('is what ends a wait for a source that never says its last word', async () => {
    const chat = await emulatedChat()
    const cancel = new AbortController()
    const source = observedSource({
      finish: () => new Promise(() => {}),
      onCall: call => call.startsWith('finish') && cancel.abort(),
    })
    const run = await sendSixParts(chat, { file: source, signal: cancel.signal })
    expectHonestFailure(chat, run)
    expect(run.result.cause).toMatchObject({ code: 'CANCELLED' })
    expect(source.calls).toEqual([ALL_READ, 'close'])
    expect(inChat(chat)).toEqual([])
  })

  test.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Error('it does not die'))],
    [
      'throws',
      () => {
        throw new Error('it does not die')
      },
    ],
  ])('that %s does not undo a backup that is whole', async (_, close) => {
    const chat = await emulatedChat()
    const source = observedSource({ close })
    const { result } = await sendSixParts(chat, { file: source })
    expect(result.success).toBe(true)
    expect(source.calls).toEqual([ALL_READ, 'close'])
  })
})
