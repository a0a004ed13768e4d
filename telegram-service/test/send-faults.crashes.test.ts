import type { Fault } from '@telegram-backup/bot-api-emulator'
import { describe, expect, test } from 'vitest'
import { collect, emulatedChat } from '#test/emulated-chat.ts'
import { expectHonestFailure, inChat, PARTS, sendSixParts } from '#test/failed-send.ts'

const MANIFEST_CALL = PARTS + 1
const messageOf = (call: number): string => (call === MANIFEST_CALL ? 'manifest' : `part ${call}`)

describe.each([1, 3, PARTS, MANIFEST_CALL])('a send whose message %i', call => {
  test.each<[string, Fault, string]>([
    ['is refused', { kind: 'error', errorCode: 400, description: 'Bad Request: no' }, 'REFUSED'],
    ['is too large', { kind: 'too-large', body: 'json' }, 'REFUSED'],
    ['is too large for a proxy', { kind: 'too-large', body: 'html' }, 'REFUSED'],
    ['is too large, without a word', { kind: 'too-large', body: 'empty' }, 'REFUSED'],
    [
      'meets a kick',
      { kind: 'error', errorCode: 403, description: 'Forbidden: bot was kicked from the channel chat' },
      'CONFIGURATION',
    ],
  ])('%s fails, and leaves nothing', async (_, fault, code) => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call }, fault)
    const run = await sendSixParts(chat)
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code }, leftInChat: 0 })
    expect(inChat(chat)).toEqual([])
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(call)
    const states = Object.fromEntries(run.ledger.states)
    const erased = Array.from({ length: call - 1 }, (_part, index) => [messageOf(index + 1), 'erased'])
    expect(states).toEqual({ ...Object.fromEntries(erased), [messageOf(call)]: 'intended' })
  })
})

describe.each([1, 3, PARTS])('a send whose message %i', call => {
  test.each<[string, Fault]>([
    ['meets a 500', { kind: 'status', status: 500 }],
    ['meets a proxy’s 502', { kind: 'status', status: 502, html: true }],
    ['meets a 503', { kind: 'status', status: 503 }],
  ])('%s is not repeated: nobody knows that nothing is there', async (_, fault) => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call }, fault)
    const run = await sendSixParts(chat)
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code: 'ANSWER_LOST' }, leftInChat: 1 })
    expect(run.result.error).toMatch(/; 1 message\(s\) may still be in the chat$/)
    expect(inChat(chat)).toEqual([])
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(call)
    expect(run.ledger.states.get(messageOf(call))).toBe('intended')
  })

  test('has its answer lost leaves that one alone, and the ledger says that it may be there', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call }, { kind: 'answer-lost' })
    const run = await sendSixParts(chat)
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code: 'ANSWER_LOST' }, leftInChat: 1 })
    expect(inChat(chat)).toEqual([messageOf(call)])
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(call)
    expect(run.ledger.states.get(messageOf(call))).toBe('intended')
    expect([...run.ledger.states.values()].filter(state => state === 'confirmed')).toEqual([])
  })

  test.each<[string, Fault]>([
    ['is reset before its body', { kind: 'reset-before' }],
    ['is reset in its body', { kind: 'reset-during' }],
  ])('%s is sent again, or fails and leaves nothing', async (_, fault) => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call }, fault)
    const run = await sendSixParts(chat)
    // Whether a body of this size is out depends on what the kernel took of it.
    if (run.result.success) {
      expect(inChat(chat)).toHaveLength(MANIFEST_CALL)
    } else {
      expectHonestFailure(chat, run)
      expect(run.result).toMatchObject({ cause: { code: 'ANSWER_LOST' } })
      expect(inChat(chat)).toEqual([])
    }
  })
})

describe('a send whose manifest', () => {
  test.each<[string, Fault, string[]]>([
    ['meets a 500', { kind: 'status', status: 500 }, []],
    ['meets a proxy’s 502', { kind: 'status', status: 502, html: true }, []],
    ['has its answer lost', { kind: 'answer-lost' }, ['manifest']],
  ])('%s may be whole: nothing is taken back, and the ledger keeps it open', async (_, fault, manifest) => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call: MANIFEST_CALL }, fault)
    const { result, ledger } = await sendSixParts(chat)
    expect(result).toMatchObject({
      success: false,
      cause: { code: 'ANSWER_LOST' },
      leftInChat: MANIFEST_CALL,
    })
    expect(result.error).toMatch(/; 7 message\(s\) may still be in the chat$/)
    const parts = Array.from({ length: PARTS }, (_part, index) => messageOf(index + 1))
    expect(inChat(chat)).toEqual([...parts, ...manifest])
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(MANIFEST_CALL)
    expect(Object.fromEntries(ledger.states)).toEqual({
      ...Object.fromEntries(parts.map(part => [part, 'confirmed'])),
      manifest: 'intended',
    })
    expect(ledger.calls).not.toContain('failBackup')
  })
})

describe('a send that meets a flood', () => {
  test.each<[string, Fault]>([
    ['as a 429', { kind: 'flood', retryAfterSeconds: 1 }],
    ['inside a 400', { kind: 'flood', retryAfterSeconds: 1, wrapped400: true }],
  ])('%s waits, and is whole without a duplicate', async (_, fault) => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call: 2 }, fault)
    const { result, ledger } = await sendSixParts(chat, { partsInFlight: 3 })
    expect(result.success).toBe(true)
    expect(inChat(chat)).toHaveLength(MANIFEST_CALL)
    expect(new Set(inChat(chat)).size).toBe(MANIFEST_CALL)
    expect([...ledger.states.values()]).toEqual(Array(MANIFEST_CALL).fill('confirmed'))
    if (result.metadata)
      expect((await collect(chat.fetch(result.metadata))).length).toBe(result.metadata.size)
  })
})

describe('a failed send with several messages in flight', () => {
  test.each<[string, Fault, string]>([
    ['a refusal', { kind: 'error', errorCode: 400, description: 'Bad Request: no' }, 'REFUSED'],
    ['a lost answer', { kind: 'answer-lost' }, 'ANSWER_LOST'],
    ['a 502', { kind: 'status', status: 502 }, 'ANSWER_LOST'],
  ])('takes back what the others put into the chat after %s', async (_, fault, code) => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { call: 2 }, fault)
    // The others are still under way when the second fails.
    chat.emulator.faults.on('sendDocument', { calls: 9 }, { kind: 'delay', ms: 30 })
    const run = await sendSixParts(chat, { partsInFlight: 4 })
    expectHonestFailure(chat, run)
    expect(run.result.cause).toMatchObject({ code })
    expect(inChat(chat)).toHaveLength(fault.kind === 'answer-lost' ? 1 : 0)
    const confirmed = run.ledger.calls.filter(call => call.startsWith('confirmMessage')).length
    const erased = run.ledger.calls.filter(call => call.startsWith('messageErased')).length
    expect(erased).toBe(confirmed)
    expect(erased).toBeGreaterThan(0)
  })

  test('says how many messages it could not erase, and the ledger keeps them as sent', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on(
      'sendDocument',
      { call: 4 },
      { kind: 'error', errorCode: 400, description: 'Bad Request: no' },
    )
    chat.emulator.faults.on(
      'deleteMessage',
      { call: 2 },
      { kind: 'error', errorCode: 400, description: "Bad Request: message can't be deleted" },
    )
    const run = await sendSixParts(chat)
    expectHonestFailure(chat, run)
    expect(run.result.leftInChat).toBe(1)
    expect(inChat(chat)).toEqual(['part 2'])
    expect(run.ledger.states.get('part 2')).toBe('confirmed')
    expect(run.ledger.states.get('part 1')).toBe('erased')
  })

  test('takes a message that somebody deleted meanwhile for erased', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on(
      'sendDocument',
      { call: 4 },
      { kind: 'error', errorCode: 400, description: 'Bad Request: no' },
    )
    chat.emulator.faults.on('deleteMessage', { call: 1, calls: 2 }, { kind: 'answer-lost' })
    const run = await sendSixParts(chat)
    expectHonestFailure(chat, run)
    expect(run.result.leftInChat).toBe(0)
    expect(inChat(chat)).toEqual([])
  })
})
