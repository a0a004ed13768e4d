import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiRefusal } from '#answers.ts'
import type { EmulatedChat } from '#index.ts'
import { Pace, type Sending } from '#methods/pace.ts'
import { UploadSpacing } from '#methods/upload-spacing.ts'
import { type Result, type Stage, setStage } from '#test/bot-client.ts'

/** A stage under Telegram's rates whose clock stands still and where nothing really waits. */
const limitedStage = (type: EmulatedChat['type'] = 'channel', dataDir?: string): Promise<Stage> =>
  setStage({
    type,
    ...(dataDir === undefined ? {} : { dataDir }),
    clock: { now: () => 1_800_000_000_000 },
    limits: { rates: 'telegram', latencyScale: 0 },
  })

const send = ({ client, chat }: Stage) => client.call('sendMessage', { chat_id: chat.id, text: 'a' })

/** How many calls pass until the first 429, and the wait that it tells. */
async function untilRefused(call: () => ReturnType<typeof send>): Promise<[number, number | undefined]> {
  for (let passed = 0; ; passed++) {
    const { status, parameters } = await call()
    if (status === 429) return [passed, parameters?.retry_after]
  }
}

test('in a chat a burst passes, some wait unseen for up to 8 seconds, and the next is told how long', async () => {
  await using stage = await limitedStage()
  // Three at once, three 3 s later, three 6 s later; the tenth would wait for 9 s.
  expect(await untilRefused(() => send(stage))).toEqual([9, 9])
  stage.emulator.clock.advance(9000)
  expect((await send(stage)).ok).toBe(true)
})

test.for([
  ['channel', 20],
  ['supergroup', 20],
  ['group', 20],
  ['private', 30],
] as const)(
  'in a %s %i of 30 messages, two seconds apart, are taken in the first minute',
  async ([type, count]) => {
    await using stage = await limitedStage(type)
    const statuses: number[] = []
    for (let call = 0; call < 30; call++) {
      statuses.push((await send(stage)).status)
      stage.emulator.clock.advance(1999)
    }
    // From the place where the wait for room in the minute is no more than 8 s, it is served in silence.
    expect(statuses.slice(0, 26).filter(status => status === 200)).toHaveLength(Math.min(count, 26))
  },
)

test('forwards, copies and edits go by the same rates as posts; failed look-ups and deletions do not', async () => {
  await using stage = await limitedStage()
  const { client, chat } = stage
  const { message_id } = await stage.sendDocument()
  const at = { chat_id: chat.id, from_chat_id: chat.id }
  const missing = () => client.call('forwardMessage', { ...at, message_id: 999 })
  for (let call = 0; call < 40; call++) expect((await missing()).status).toBe(400)
  for (let call = 0; call < 40; call++) {
    expect((await client.call('deleteMessages', { ...at, message_ids: [999] })).status).toBe(200)
  }
  let caption = 0
  const edit = () => client.call('editMessageCaption', { ...at, message_id, caption: `${caption++}` })
  expect((await client.call('forwardMessage', { ...at, message_id })).ok).toBe(true)
  expect((await client.call('copyMessages', { ...at, message_ids: [message_id] })).ok).toBe(true)
  expect((await untilRefused(edit))[0]).toBe(6)
  expect((await send(stage)).status).toBe(429)
  // What is no change costs nothing.
  const same = { ...at, message_id, caption: '5' }
  expect((await client.call('editMessageCaption', same)).description).toContain('not modified')
})

test('a wait that is served is real time by the scale, and the call is looked at again after it', async () => {
  await using stage = await setStage({
    clock: { now: () => 1_800_000_000_000 },
    limits: { rates: 'telegram', latencyScale: 0.5 },
  })
  const { emulator, client, chat } = stage
  const { message_id } = await stage.sendDocument()
  for (let call = 0; call < 2; call++) await send(stage)
  const arrived = Promise.withResolvers<void>()
  emulator.watch(({ method, phase }) => {
    if (method === 'editmessagecaption' && phase === 'arrived') arrived.resolve()
  })
  const start = performance.now()
  const edited = client.call('editMessageCaption', { chat_id: chat.id, message_id, caption: 'new' })
  await arrived.promise
  // By the time that another call is answered, it has found the message once, and waits.
  await client.call('getMe')
  emulator.asHuman.deleteMessage(chat.id, message_id)
  expect((await edited).description).toBe('Bad Request: message to edit not found')
  // 3 s by half; a timer may fire a millisecond before its time.
  expect(performance.now() - start).toBeGreaterThanOrEqual(1499)
})

test('an upload that waits for its turn becomes one document', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'rates-test-'))
  const stage = await limitedStage('channel', dataDir)
  const { client, chat, emulator } = stage
  const { message_id } = await stage.sendDocument()
  for (let call = 0; call < 2; call++) await send(stage)
  const media = { type: 'document', media: 'attach://file' }
  const fields = { chat_id: chat.id, message_id, media }
  await client.upload('editMessageMedia', fields, { file: new File(['edited'], 'a') })
  await stage.sendDocument('sent')
  expect((await emulator.inspect.documentBytes(chat.id, message_id)).toString()).toBe('edited')
  await emulator.close()
  const journal = await readFile(join(dataDir, 'journal.jsonl'), 'utf8')
  expect(journal.match(/"kind":"document"/g)).toHaveLength(3)
  expect(await readdir(join(dataDir, 'documents'))).toHaveLength(3)
  await rm(dataDir, { recursive: true })
})

const chatTypes = fc.constantFrom<EmulatedChat['type']>('channel', 'group', 'private')

test('at any load no rule is broken by what passes, and after the wait told there is room', () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 4000 }),
    chat: fc.nat(3),
    count: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), chatTypes, (steps, chatType) => {
      let now = 1_800_000_000_000
      const pace = new Pace({ now: () => now }, { messagesPerMinutePerChat: 0, rates: 'telegram' })
      const sent: { chat: number; atMs: number }[] = []
      for (const { afterMs, chat, count } of steps) {
        now += afterMs
        const sending: Sending = { botId: 1, chatId: chat, chatType, count }
        let waitMs: number
        try {
          waitMs = pace.takeForMessages(sending)
        } catch (error) {
          if (!(error instanceof ApiRefusal)) throw error
          const retryAfter = error.parameters?.['retry_after'] ?? 0
          expect(retryAfter).toBeGreaterThan(8)
          now += retryAfter * 1000
          waitMs = pace.takeForMessages(sending)
          expect(waitMs).toBe(0)
        }
        expect(waitMs).toBeLessThanOrEqual(8000)
        sent.push(...Array.from({ length: count }, () => ({ chat, atMs: now + waitMs })))
      }
      for (const { chat, atMs } of sent) {
        const within = (spanMs: number) =>
          sent.filter(other => other.chat === chat && other.atMs > atMs - spanMs && other.atMs <= atMs).length
        expect(within(3000)).toBeLessThanOrEqual(3)
        if (chatType !== 'private') expect(within(60_000)).toBeLessThanOrEqual(20)
      }
    }),
  )
})

test('thirty chats at once are served at once; the thirty-first waits for a second', () => {
  const pace = new Pace({ now: () => 0 }, { messagesPerMinutePerChat: 0, rates: 'telegram' })
  const waits = Array.from({ length: 31 }, (_, chatId) =>
    pace.takeForMessages({ botId: 1, chatId, chatType: 'private', count: 1 }),
  )
  expect(waits).toEqual([...Array.from({ length: 30 }, () => 0), 1000])
  expect(pace.takeForMessages({ botId: 2, chatId: 1, chatType: 'private', count: 1 })).toBe(0)
})

/** How many of equal uploads, arriving together, pass at once, and how many are taken at all. */
function equalUploads(sizeBytes: number): [number, number] {
  const spacing = new UploadSpacing({ now: () => 1_800_000_000_000 }, { rates: 'telegram' })
  const waits: number[] = []
  try {
    for (;;) waits.push(spacing.take(1, sizeBytes))
  } catch (error) {
    expect(error).toMatchObject({ errorCode: 429, parameters: { retry_after: 60 } })
  }
  return [waits.filter(wait => wait === 0).length, waits.length]
}

test.for([
  [20_000_000, 2, 8],
  [5_000_000, 3, 14],
] as const)(
  'of uploads of exactly %i bytes together %i pass at once and %i at all',
  ([size, atOnce, taken]) => {
    expect(equalUploads(size)).toEqual([atOnce, taken])
  },
)

test('uploads of other sizes, of other bots, small ones, and those of later are not held', () => {
  let now = 1_800_000_000_000
  const spacing = new UploadSpacing({ now: () => now }, { rates: 'telegram' })
  for (let upload = 0; upload < 100; upload++) {
    expect(spacing.take(1, 100_000)).toBe(0)
    expect(spacing.take(1, 1_000_000 + upload)).toBe(0)
    expect(spacing.take(upload, 2_000_000)).toBe(0)
    expect(spacing.take(1, 3_000_000)).toBe(0)
    now += 1000
  }
})

test('an upload is held by its size before anything else is looked at', async () => {
  await using stage = await limitedStage('private')
  const upload = () =>
    stage.client.upload('sendDocument', { chat_id: 1 }, { document: new File(['x'.repeat(200_000)], 'a') })
  const [taken, retryAfter] = await untilRefused(upload)
  expect(taken).toBeGreaterThanOrEqual(31)
  expect(retryAfter).toBe(60)
})

test('getFile takes its time for a file that the server does not hold, by its size', async () => {
  await using stage = await setStage({ limits: { getFileMsPerMiB: 200, filePathLifetimeMs: 60_000 } })
  const { emulator, client } = stage
  const [held, other] = [
    await stage.sendDocument('x'.repeat(1024 * 1024)),
    await stage.sendDocument('x'.repeat(1024 * 1024)),
  ]
  const answered: string[] = []
  const getFile = async ({ document: { file_id } }: Result): Promise<number> => {
    const start = performance.now()
    expect((await client.call('getFile', { file_id })).ok).toBe(true)
    answered.push(file_id)
    return performance.now() - start
  }
  // A timer may fire a millisecond before its time.
  expect(await getFile(held)).toBeGreaterThanOrEqual(199)
  await Promise.all([getFile(other), getFile(held)])
  expect(answered.slice(1)).toEqual([held.document.file_id, other.document.file_id])
  emulator.clock.advance(60_000)
  expect(await getFile(held)).toBeGreaterThanOrEqual(199)
})
