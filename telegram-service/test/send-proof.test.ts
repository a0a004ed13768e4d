import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { alteringProxy, alterResult, type PassingAnswer } from '#test/altering-proxy.ts'
import { type EmulatedChat, emulatedChat, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { expectHonestFailure, inChat, PARTS } from '#test/failed-send.ts'
import { type RecordingLedger, recordingLedger } from '#test/recording-ledger.ts'

type Result = Record<string, unknown>

const withDocument = (change: Result) => (result: Result) => ({
  ...result,
  document: { ...(result['document'] as Result), ...change },
})
const sizeOf = (result: Result): number => Number((result['document'] as Result)['file_size'])

/** Sends six parts one after the other, through a proxy that alters the answer to one of the messages. */
async function sendAltered(
  chat: EmulatedChat,
  call: number,
  alter: (answer: PassingAnswer) => void | Promise<void>,
): Promise<{ result: Awaited<ReturnType<EmulatedChat['service']['sendBackup']>>; ledger: RecordingLedger }> {
  const apiRoot = await alteringProxy(chat.emulator.url, async answer => {
    if (answer.method === 'sendDocument' && answer.count === call) await alter(answer)
  })
  const service = chat.createService({ telegramClient: chat.createClient({ apiRoot }), partsInFlight: 1 })
  const ledger = recordingLedger()
  const file = randomBytes((PARTS * PART_SIZE_BYTES) / 2)
  const result = await service.sendBackup({ projectId: 'shop', type: 'database', file, ledger })
  return { result, ledger }
}

/** Of a part, only itself may be left; of a manifest, the whole backup, since it may be whole. */
function expectMaybeThere(
  chat: EmulatedChat,
  run: Awaited<ReturnType<typeof sendAltered>>,
  call: number,
): void {
  const left = call > PARTS ? PARTS + 1 : 1
  expect(run.result).toMatchObject({ success: false, leftInChat: left })
  expect(inChat(chat)).toHaveLength(left)
  if (call > PARTS) expect(run.ledger.calls).not.toContain('failBackup')
  else expectHonestFailure(chat, run)
}

describe.each([2, PARTS + 1])('a message %i', call => {
  test.each<[string, (result: Result) => unknown]>([
    ['one byte less', result => withDocument({ file_size: sizeOf(result) - 1 })(result)],
    ['one byte more', result => withDocument({ file_size: sizeOf(result) + 1 })(result)],
    ['no size', withDocument({ file_size: undefined })],
    ['a size in words', withDocument({ file_size: '65536' })],
    ['a negative size', withDocument({ file_size: -1 })],
    ['no file id', withDocument({ file_id: undefined })],
    ['an empty file id', withDocument({ file_id: '' })],
    ['no unique file id', withDocument({ file_unique_id: null })],
    ['no document', result => ({ ...result, document: undefined })],
    ['a photo', result => ({ ...result, document: undefined, photo: [result['document']] })],
    ['no date', result => ({ ...result, date: undefined })],
    ['a date beyond time', result => ({ ...result, date: Number.MAX_SAFE_INTEGER })],
  ])('whose answer describes %s is not proven, and is taken back', async (_, alter) => {
    const chat = await emulatedChat()
    const run = await sendAltered(chat, call, answer => alterResult(answer, alter))
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code: 'UNPROVEN' }, leftInChat: 0 })
    expect(inChat(chat)).toEqual([])
    expect(run.ledger.calls.filter(name => name.startsWith('confirmMessage'))).toHaveLength(call - 1)
  })

  test.each<[string, (result: Result) => unknown]>([
    ['no message id', result => ({ ...result, message_id: undefined })],
    ['a message of the future', result => ({ ...result, message_id: 0 })],
    ['no chat', result => ({ ...result, chat: undefined })],
    ['only true', () => true],
    ['a list', result => [result]],
  ])('whose answer is %s is not proven, and told to be left', async (_, alter) => {
    const chat = await emulatedChat()
    const run = await sendAltered(chat, call, answer => alterResult(answer, alter))
    expectMaybeThere(chat, run, call)
    expect(run.result).toMatchObject({ cause: { code: 'UNPROVEN' } })
  })

  test('whose answer names another chat is erased there, and nothing of another backup here', async () => {
    const chat = await emulatedChat()
    const bot = chat.emulator.inspect.bots()[0] ?? { id: 0 }
    const other = chat.emulator.createChat({ type: 'channel', title: 'Other', administrators: [{ bot }] })
    const document = { fileName: 'x.bin', bytes: Buffer.from('x'), caption: 'a message of another backup' }
    const here = await chat.client.sendDocument({ ...document, chatId: String(chat.chatId) })
    const there = await chat.client.sendDocument({ ...document, chatId: String(other.id) })
    expect(there.messageId).toBe(here.messageId)
    const run = await sendAltered(chat, call, answer =>
      alterResult(answer, result => ({ ...result, message_id: there.messageId, chat: { id: other.id } })),
    )
    expect(run.result).toMatchObject({ success: false, cause: { code: 'UNPROVEN' } })
    expect(chat.emulator.inspect.messages(other.id)).toEqual([])
    expect(chat.messages().map(message => message.message_id)).toContain(here.messageId)
  })

  test('whose answer is something else than JSON may be there, and is never sent again', async () => {
    for (const alter of [
      (answer: PassingAnswer) => {
        answer.body = Buffer.from('<html>welcome</html>')
      },
      (answer: PassingAnswer) => {
        answer.body = answer.body.subarray(0, answer.body.length / 2)
      },
      (answer: PassingAnswer) => {
        answer.status = 202
      },
    ]) {
      const chat = await emulatedChat()
      const run = await sendAltered(chat, call, alter)
      expectMaybeThere(chat, run, call)
      expect(run.result).toMatchObject({ cause: { code: 'ANSWER_LOST' } })
      expect(chat.emulator.inspect.calls('sendDocument')).toBe(call)
    }
  })
})
