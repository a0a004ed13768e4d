import { expect, test } from 'vitest'
import type { CallEvent } from '#index.ts'
import { clientFor, setStage } from '#test/bot-client.ts'
import { inTime } from '#test/late-calls.ts'

const names = (events: readonly CallEvent[]) => events.map(({ method, phase }) => `${method} ${phase}`)

test('a call is heard of when it has arrived, when it is kept, and when it is answered', async () => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  const events: CallEvent[] = []
  const seen: number[] = []
  const stop = emulator.watch(event => {
    events.push(event)
    seen.push(emulator.inspect.messages(chat.id).length)
  })
  await stage.sendDocument('x', 'a.zst', { caption: 'part 1' })
  // The answer leaves before its event is told; another call comes after that.
  while (events.length < 3) await new Promise(resolve => setImmediate(resolve))
  expect(names(events)).toEqual(['senddocument arrived', 'senddocument kept', 'senddocument answered'])
  expect(seen).toEqual([0, 1, 1])
  for (const event of events) {
    expect(event).toMatchObject({ call: 1, botId: client.bot.id, parameters: { caption: 'part 1' } })
  }
  stop()
  await stage.sendDocument()
  expect(events).toHaveLength(3)
})

test('a refused call is never kept, and neither is one that meets a fault in place of its work', async () => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  const events: CallEvent[] = []
  emulator.watch(event => {
    events.push(event)
  })
  await client.call('deleteMessage', { chat_id: chat.id, message_id: 999 })
  emulator.faults.on('getMe', {}, { kind: 'status', status: 502 })
  await client.call('getMe')
  await client.call('getChat', { chat_id: chat.id })
  while (events.length < 7) await new Promise(resolve => setImmediate(resolve))
  const ofCall = (call: number) => names(events.filter(event => event.call === call))
  expect(ofCall(1)).toEqual(['deletemessage arrived', 'deletemessage answered'])
  expect(ofCall(2)).toEqual(['getme arrived', 'getme answered'])
  expect(ofCall(3)).toEqual(['getchat arrived', 'getchat kept', 'getchat answered'])
})

test('a listener holds its call back, and no other one', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  emulator.watch(async ({ method, phase }) => {
    if (method === 'senddocument' && phase === 'kept') await released
  })
  let isAnswered = false
  const sending = stage.sendDocument().then(() => {
    isAnswered = true
  })
  while (emulator.inspect.messages(stage.chat.id).length === 0) await client.call('getMe')
  await client.call('getMe')
  expect(isAnswered).toBe(false)
  release()
  await sending
})

test.for([
  ['arrived', 1],
  ['kept', 1],
] as const)('a client that dies when its call is %s has sent its message', async ([phase, count]) => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  const dying = new AbortController()
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  emulator.watch(async event => {
    if (event.phase === phase) {
      dying.abort()
      // Long enough for the end of the connection to be noticed.
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    if (event.phase === 'answered') end()
  })
  const url = `${emulator.url}/bot${client.bot.token}/sendMessage?chat_id=${chat.id}&text=a`
  await expect(fetch(url, { signal: dying.signal })).rejects.toThrow('aborted')
  await over
  expect(emulator.inspect.messages(chat.id)).toHaveLength(count)
})

test('a late call is answered first and kept afterwards; a lost answer is kept', async () => {
  await inTime(async ms => {
    await using stage = await setStage()
    const { emulator, chat } = stage
    const events: CallEvent[] = []
    emulator.watch(event => {
      events.push(event)
    })
    emulator.faults.on('sendDocument', {}, { kind: 'late', ms })
    emulator.faults.on('sendDocument', { call: 2 }, { kind: 'answer-lost' })
    await expect(stage.sendDocument()).rejects.toThrow('fetch failed')
    while (events.length < 3) await new Promise(resolve => setTimeout(resolve, 5))
    if (events[1]?.phase === 'kept') return false
    expect(names(events)).toEqual(['senddocument arrived', 'senddocument answered', 'senddocument kept'])
    await expect(stage.sendDocument()).rejects.toThrow('fetch failed')
    while (events.length < 6) await new Promise(resolve => setTimeout(resolve, 5))
    expect(names(events.slice(3))).toEqual([
      'senddocument arrived',
      'senddocument kept',
      'senddocument answered',
    ])
    expect(emulator.inspect.messages(chat.id)).toHaveLength(2)
    return true
  })
})

test('downloads are heard of too, and calls with a token of no bot', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const { file_id } = (await stage.sendDocument('x')).document
  const { file_path } = (await client.call('getFile', { file_id })).result
  const events: CallEvent[] = []
  emulator.watch(event => {
    events.push(event)
  })
  // The client can have read an answer before the server knows that it was sent.
  const heard = async (count: number) => {
    while (events.length < count) await new Promise(resolve => setImmediate(resolve))
  }
  await (await client.download(file_path)).text()
  await heard(2)
  await clientFor(emulator, { ...client.bot, token: '5:stranger' }).call('getMe')
  await heard(4)
  expect(names(events)).toEqual(['download arrived', 'download answered', 'getme arrived', 'getme answered'])
  expect(events.map(({ botId }) => botId)).toEqual([client.bot.id, client.bot.id, undefined, undefined])
  expect(events[0]?.parameters).toEqual({ path: file_path })
})
