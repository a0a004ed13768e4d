import { expect, test } from 'vitest'
import { isLoopback } from '#http/loopback.ts'
import { startEmulator } from '#index.ts'
import { clientFor, type Stage, setStage } from '#test/bot-client.ts'

interface Control {
  readonly status: number
  readonly body: unknown
}

async function control(
  stage: { emulator: { url: string } },
  method: string,
  path: string,
  body?: object,
): Promise<Control> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
  const answer = await fetch(`${stage.emulator.url}/_emulator/${path}`, init)
  return { status: answer.status, body: await answer.json() }
}

const DOWN = { kind: 'status', status: 503 }

const bodyOf = async (...call: Parameters<typeof control>) =>
  (await control(...call)).body as Record<string, unknown>

test('another process makes a bot and a chat, and works with them', async () => {
  const emulator = await startEmulator()
  const bot = await bodyOf({ emulator }, 'POST', 'bots', { username: 'made_outside_bot' })
  const administrators = [{ bot: { id: bot['id'] }, rights: { can_pin_messages: false } }]
  const chat = await bodyOf({ emulator }, 'POST', 'chats', {
    type: 'supergroup',
    title: 'Made outside',
    administrators,
  })
  const url = `${emulator.url}/bot${bot['token']}/getChat?chat_id=${chat['id']}`
  expect(await (await fetch(url)).json()).toMatchObject({ ok: true, result: { title: 'Made outside' } })
  expect(await bodyOf({ emulator }, 'GET', 'bots')).toEqual([bot])
  expect(await bodyOf({ emulator }, 'GET', 'chats')).toEqual([chat])
  await emulator.close()
})

test('messages, their bytes, counts and requests can be seen', async () => {
  await using stage = await setStage()
  const { emulator, chat } = stage
  const sent = await stage.sendDocument('the bytes', 'a.zst', { caption: 'part' })
  const messages = await bodyOf(stage, 'GET', `chats/${chat.id}/messages`)
  expect(messages).toEqual(emulator.inspect.messages(chat.id))
  expect(messages).toMatchObject([{ message_id: 2, caption: 'part', document: { file_size: 9 } }])
  expect(await bodyOf(stage, 'GET', `chats/${chat.id}/messages?all=true`)).toHaveLength(2)
  const path = `chats/${chat.id}/messages/${sent.message_id}/document`
  expect(await (await fetch(`${emulator.url}/_emulator/${path}`)).text()).toBe('the bytes')
  expect(await bodyOf(stage, 'GET', 'calls')).toEqual({ calls: 1, late: 0 })
  expect(await bodyOf(stage, 'GET', 'calls?method=sendDocument')).toEqual({ calls: 1, maximumConcurrent: 1 })
  expect(await bodyOf(stage, 'GET', 'requests')).toMatchObject([
    {
      method: 'senddocument',
      botId: stage.client.bot.id,
      uploadBytes: 9,
      status: 200,
      parameters: { caption: 'part' },
    },
  ])
})

test('faults are ordered and taken back', async () => {
  await using stage = await setStage()
  await control(stage, 'POST', 'faults', { method: 'getMe', call: 2, fault: { kind: 'status', status: 500 } })
  expect((await stage.client.call('getMe')).status).toBe(200)
  expect((await stage.client.call('getMe')).status).toBe(500)
  await control(stage, 'POST', 'faults', { method: 'getMe', calls: 5, fault: { kind: 'answer-lost' } })
  await control(stage, 'DELETE', 'faults')
  expect((await stage.client.call('getMe')).status).toBe(200)
})

test('faults by chance are ordered and taken back', async () => {
  await using stage = await setStage()
  const { client } = stage
  const order = { seed: 1, probability: 1, methods: ['getMe'], kinds: [DOWN], limit: 1 }
  await control(stage, 'POST', 'faults/random', order)
  expect((await client.call('getMe')).status).toBe(503)
  expect((await client.call('getMe')).status).toBe(200)
  await control(stage, 'POST', 'faults/random', { ...order, limit: 100 })
  await control(stage, 'DELETE', 'faults')
  expect((await client.call('getMe')).status).toBe(200)
})

test('a basic group is made a supergroup, and calls that are still to be done are counted', async () => {
  await using stage = await setStage({ type: 'group' })
  const { emulator, chat, client } = stage
  const moved = await bodyOf(stage, 'POST', 'humans/migrate', { chatId: chat.id })
  expect(emulator.inspect.chats().at(-1)).toMatchObject({ id: moved['chatId'], type: 'supergroup' })
  const fault = { kind: 'late', ms: 3_600_000, answer: 'bad-gateway' }
  await control(stage, 'POST', 'faults', { method: 'sendMessage', fault })
  expect((await client.call('sendMessage', { chat_id: moved['chatId'], text: 'a' })).status).toBe(502)
  expect(await bodyOf(stage, 'GET', 'calls')).toEqual({ calls: 1, late: 1 })
})

test('a far-away server is ordered from another process: each request waits, downloads too, side by side', async () => {
  await using stage = await setStage()
  const { client } = stage
  const { document } = await stage.sendDocument('the bytes')
  for (const method of ['*', 'download']) {
    await control(stage, 'POST', 'faults', { method, calls: 1_000_000, fault: { kind: 'delay', ms: 300 } })
  }
  const tookMs = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  let path = ''
  const getFile = async (): Promise<void> => {
    path = (await client.call('getFile', { file_id: document.file_id })).result.file_path
  }
  // A timer may fire a millisecond before its time.
  expect(await tookMs(getFile)).toBeGreaterThanOrEqual(299)
  const download = async (): Promise<void> => {
    expect(await (await client.download(path)).text()).toBe('the bytes')
  }
  expect(await tookMs(download)).toBeGreaterThanOrEqual(299)
  await control(stage, 'DELETE', 'faults')
  const fault = { kind: 'delay', ms: 3_600_000 }
  await control(stage, 'POST', 'faults', { method: 'getMe', calls: 3, fault })
  // They end with the emulator.
  for (let call = 0; call < 3; call++) client.call('getMe').catch(() => {})
  while (stage.emulator.inspect.calls('getMe') < 3) await client.call('getChat')
  expect(stage.emulator.inspect.maximumConcurrent('getMe')).toBe(3)
  expect((await client.call('getMe')).ok).toBe(true)
})

test('the clock is read and moved', async () => {
  await using stage = await setStage({ clock: { now: () => 1_800_000_000_000 } })
  expect(await bodyOf(stage, 'GET', 'clock')).toEqual({ now: 1_800_000_000_000 })
  expect(await bodyOf(stage, 'POST', 'clock', { advanceMs: 5000 })).toEqual({ now: 1_800_000_005_000 })
  expect((await stage.sendDocument()).date).toBe(1_800_000_005)
})

test('people act from another process', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const act = (action: string, order: object) =>
    control(stage, 'POST', `humans/${action}`, { chatId: chat.id, ...order })
  const document = { fileName: 'a.txt', base64: Buffer.from('by a human').toString('base64') }
  const { body } = await act('post', { document, caption: 'look' })
  const { messageId } = body as { messageId: number }
  expect((await emulator.inspect.documentBytes(chat.id, messageId)).toString()).toBe('by a human')
  const pinned = async () => (await client.call('getChat', { chat_id: chat.id })).result.pinned_message
  await act('pin', { messageId })
  expect((await pinned())?.caption).toBe('look')
  await act('edit', { messageId, text: 'look again' })
  expect((await pinned())?.caption).toBe('look again')
  await act('unpin', {})
  expect(await pinned()).toBeUndefined()
  await act('delete-message', { messageId })
  expect(emulator.inspect.messages(chat.id)).toEqual([])
  await act('promote', { botId: client.bot.id, rights: { can_post_messages: false } })
  expect((await client.call('sendMessage', { chat_id: chat.id, text: 'a' })).status).toBe(400)
  await act('kick', { botId: client.bot.id })
  expect((await client.call('getChat', { chat_id: chat.id })).status).toBe(403)
  await act('demote', { botId: client.bot.id })
  const renewed = (await act('revoke-token', { botId: client.bot.id })).body as Stage['client']['bot']
  expect((await client.call('getMe')).status).toBe(401)
  expect((await clientFor(emulator, renewed).call('getMe')).status).toBe(200)
})

test.for([
  ['GET', 'nothing', undefined, 404, { error_code: 404 }],
  ['POST', 'humans/dance', {}, 404, { error_code: 404 }],
  ['GET', 'chats/-1/messages', undefined, 400, { error: { code: 'UNKNOWN_CHAT' } }],
  ['POST', 'faults', { method: 'getMe', fault: { kind: 'meteor' } }, 400, { error: { code: 'BAD_REQUEST' } }],
  [
    'POST',
    'faults/random',
    { seed: 1, probability: 1, kinds: [{}] },
    400,
    { error: { code: 'BAD_REQUEST' } },
  ],
  ['POST', 'faults/random', { seed: 1, kinds: [DOWN] }, 400, { error: { code: 'BAD_REQUEST' } }],
  ['POST', 'humans/migrate', { chatId: -1 }, 400, { error: { code: 'UNKNOWN_CHAT' } }],
  [
    'POST',
    'clock',
    {},
    400,
    { error: { code: 'BAD_REQUEST', message: '"advanceMs" is missing or of the wrong kind.' } },
  ],
  ['POST', 'clock', { advanceMs: -1 }, 400, { error: { code: 'BAD_REQUEST' } }],
  ['POST', 'chats', { type: 'forum' }, 400, { error: { code: 'BAD_REQUEST' } }],
  ['POST', 'chats', { type: 'private' }, 400, { error: { code: 'BAD_REQUEST' } }],
  ['POST', 'chats', { type: 'channel', members: [{ id: 5 }] }, 400, { error: { code: 'UNKNOWN_BOT' } }],
  ['POST', 'humans/kick', { chatId: -1, botId: 1 }, 400, { error: { code: 'UNKNOWN_CHAT' } }],
] as const)('%s %s with %j answers %i', async ([method, path, body, status, expected]) => {
  await using stage = await setStage()
  const answer = await control(stage, method, path, body)
  expect(answer.status).toBe(status)
  expect(answer.body).toMatchObject(expected)
})

test('a page in a browser is kept out', async () => {
  await using stage = await setStage()
  const headers = { Origin: 'https://a.example' }
  expect((await fetch(`${stage.emulator.url}/_emulator/bots`, { headers })).status).toBe(404)
})

test.for([
  ['127.0.0.1', true],
  ['127.3.2.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['192.168.127.1', false],
  ['::ffff:10.0.0.1', false],
  ['127.evil.example', false],
  ['::12', false],
  [undefined, false],
] as const)('the controls answer %s: %s', ([address, answered]) => {
  expect(isLoopback(address)).toBe(answered)
})
