import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { collect, emulatedChat } from '#test/emulated-chat.ts'
import { inChat, PARTS, sendSixParts } from '#test/failed-send.ts'
import { type LedgerMethod, recordingLedger } from '#test/recording-ledger.ts'

describe('a ledger that fails', () => {
  test.each<[LedgerMethod, number, number]>([
    ['openBackup', 1, 0],
    ['intendMessage', 1, 0],
    ['intendMessage', 3, 2],
    ['intendMessage', PARTS + 1, PARTS],
    ['manifestBelow', 1, PARTS],
    ['sealBackup', 1, PARTS],
    ['confirmMessage', 1, 1],
    ['confirmMessage', 3, 3],
  ])('at %s, call %i, stops the run, which leaves nothing', async (method, call, sent) => {
    const chat = await emulatedChat()
    const ledger = recordingLedger({ failAt: { method, call } })
    const { result } = await sendSixParts(chat, { ledger })
    expect(result).toMatchObject({ success: false, error: `the ledger broke at ${method}`, leftInChat: 0 })
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(sent)
    expect(inChat(chat)).toEqual([])
    // What never was in the ledger cannot fail there; everything else is told to have failed, and erased.
    expect(ledger.calls.includes('failBackup')).toBe(method !== 'openBackup')
    expect([...ledger.states.values()].filter(state => state === 'confirmed')).toEqual([])
  })

  test('to note the proven manifest leaves a whole backup, which is told as one', async () => {
    const chat = await emulatedChat()
    const ledger = recordingLedger({ failAt: { method: 'confirmMessage', call: PARTS + 1 } })
    const { result } = await sendSixParts(chat, { ledger })
    expect(result.success).toBe(true)
    expect(inChat(chat)).toHaveLength(PARTS + 1)
    expect(ledger.calls).not.toContain('failBackup')
    if (result.metadata)
      expect((await collect(chat.fetch(result.metadata))).length).toBe(result.metadata.size)
  })

  test('to take the seal off again leaves the parts in the chat: somebody may still finish the backup', async () => {
    const chat = await emulatedChat()
    const refused = { kind: 'error', errorCode: 400, description: 'Bad Request: no' } as const
    chat.emulator.faults.on('sendDocument', { call: PARTS + 1 }, refused)
    const ledger = recordingLedger({ failAt: { method: 'unsealBackup' } })
    const { result } = await sendSixParts(chat, { ledger })
    expect(result).toMatchObject({ success: false, cause: { code: 'REFUSED' }, leftInChat: PARTS })
    expect(inChat(chat)).toHaveLength(PARTS)
    expect(ledger.calls).not.toContain('failBackup')
  })

  test('hears that nobody may finish a sealed backup before the first of its messages goes', async () => {
    const chat = await emulatedChat()
    const refused = { kind: 'error', errorCode: 400, description: 'Bad Request: no' } as const
    chat.emulator.faults.on('sendDocument', { call: PARTS + 1 }, refused)
    let there = 0
    const ledger = recordingLedger({
      onCall: call => {
        if (call === 'unsealBackup') there = inChat(chat).length
      },
    })
    const { result } = await sendSixParts(chat, { ledger })
    expect(result).toMatchObject({ success: false, leftInChat: 0 })
    expect(there).toBe(PARTS)
    expect(inChat(chat)).toEqual([])
  })

  test.each<LedgerMethod>(['messageErased', 'failBackup'])(
    'at %s, after a failure, changes neither that failure nor what is erased',
    async method => {
      const chat = await emulatedChat()
      chat.emulator.faults.on(
        'sendDocument',
        { call: 4 },
        { kind: 'error', errorCode: 400, description: 'Bad Request: no' },
      )
      const ledger = recordingLedger({ failAt: { method } })
      const { result } = await sendSixParts(chat, { ledger })
      expect(result).toMatchObject({ success: false, cause: { code: 'REFUSED' }, leftInChat: 0 })
      expect(inChat(chat)).toEqual([])
    },
  )

  test('while the chat is slow to answer, hears of the failure after everything else has ended', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('sendDocument', { calls: 9 }, { kind: 'delay', ms: 40 })
    const ledger = recordingLedger({ failAt: { method: 'intendMessage', call: 4 } })
    const { result } = await sendSixParts(chat, { ledger, partsInFlight: 4 })
    expect(result.success).toBe(false)
    expect(ledger.calls.at(-1)).toBe('failBackup')
    expect(inChat(chat)).toEqual([])
  })
})

describe('a source that fails while the chat is still being asked', () => {
  test('leaves no backup open in the ledger', async () => {
    const chat = await emulatedChat()
    chat.emulator.faults.on('getMe', {}, { kind: 'delay', ms: 150 })
    const { result, ledger } = await sendSixParts(chat, { file: `${chat.folder}/none` })
    expect(result).toMatchObject({ success: false, cause: { code: 'INVALID' } })
    expect(ledger.calls).toEqual([])
    const failing = new Readable({
      read() {
        this.destroy(new Error('the pump broke'))
      },
    })
    const second = await sendSixParts(chat, { file: failing })
    expect(second.result).toMatchObject({ success: false, cause: { code: 'SOURCE' } })
    expect(['', 'openBackup failBackup']).toContain(second.ledger.calls.join(' '))
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(0)
  })

  test('leaves none even when the ledger opens it in that very moment', async () => {
    const chat = await emulatedChat()
    const file = new Readable({ read() {} })
    const ledger = recordingLedger()
    const openBackup = ledger.openBackup.bind(ledger)
    ledger.openBackup = async intent => {
      file.destroy(new Error('the pump broke'))
      await new Promise(resolve => setTimeout(resolve, 100))
      return openBackup(intent)
    }
    const { result } = await sendSixParts(chat, { file, ledger })
    expect(result).toMatchObject({ success: false, cause: { code: 'SOURCE' } })
    expect(ledger.calls).toEqual(['openBackup', 'failBackup'])
  })
})
