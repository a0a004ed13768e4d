import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { answerOf, type Stage, setStage } from '#test/bot-client.ts'

const methodUrl = ({ emulator, client }: Stage, method: string) =>
  `${emulator.url}/bot${client.bot.token}/${method}`

/** Sends bytes as they are and gives all that comes back until the server closes. */
async function sendRaw({ emulator }: Stage, request: string): Promise<string> {
  const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1')
  socket.end(request)
  const pieces: Buffer[] = []
  socket.on('data', piece => pieces.push(piece))
  await once(socket, 'close')
  return Buffer.concat(pieces).toString()
}

test('the query string, JSON, a form and multipart all carry parameters', async () => {
  await using stage = await setStage()
  const url = methodUrl(stage, 'sendMessage')
  const chat = String(stage.chat.id)
  const form = new FormData()
  form.set('chat_id', chat)
  form.set('text', 'by multipart')
  const json = { method: 'POST', headers: { 'Content-Type': 'application/json; charset=utf-8' } }
  const answers = [
    await fetch(`${url}?chat_id=${chat}&text=by+query`),
    await fetch(`${url}?chat_id=${chat}`, { ...json, body: JSON.stringify({ text: 'by JSON' }) }),
    await fetch(url, { method: 'POST', body: new URLSearchParams({ chat_id: chat, text: 'by form & ü' }) }),
    await fetch(url, { method: 'POST', body: form }),
  ]
  expect(answers.map(answer => answer.status)).toEqual([200, 200, 200, 200])
  const texts = stage.emulator.inspect.messages(stage.chat.id).map(message => message.text)
  expect(texts).toEqual(['by query', 'by JSON', 'by form & ü', 'by multipart'])
})

test('method names count in any case of letters', async () => {
  await using stage = await setStage()
  expect((await stage.client.call('GETME')).result['id']).toBe(stage.client.bot.id)
  expect(stage.emulator.inspect.calls('getMe')).toBe(1)
})

test('a malformed JSON body is no body: its parameters are absent', async () => {
  await using stage = await setStage()
  const headers = { 'Content-Type': 'application/json' }
  const answer = await fetch(methodUrl(stage, 'sendMessage'), {
    method: 'POST',
    headers,
    body: '{"chat_id": 5',
  })
  expect((await answerOf(answer)).description).toBe('Bad Request: message text is empty')
})

test('numbers, booleans and objects in JSON are parameters like any other', async () => {
  await using stage = await setStage()
  const { result } = await stage.client.call('sendMessage', {
    chat_id: stage.chat.id,
    text: 'buttons',
    protect_content: true,
    reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] },
  })
  expect(result['has_protected_content']).toBe(true)
  expect(result['reply_markup']).toEqual({ inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] })
})

test('of equal names the first counts, and the query comes before the body', async () => {
  await using stage = await setStage()
  const url = `${methodUrl(stage, 'sendMessage')}?chat_id=${stage.chat.id}&text=first&text=second`
  await fetch(url, { method: 'POST', body: new URLSearchParams({ text: 'third' }) })
  expect(stage.emulator.inspect.messages(stage.chat.id)[0]?.text).toBe('first')
})

test('a part without a file name is a parameter: read as a file_id, not as a file', async () => {
  await using stage = await setStage()
  const form = new FormData()
  form.set('chat_id', String(stage.chat.id))
  form.set('document', 'the bytes of a backup')
  const answer = await fetch(methodUrl(stage, 'sendDocument'), { method: 'POST', body: form })
  expect((await answerOf(answer)).description).toMatch(/^Bad Request: wrong remote file identifier specified/)
})

test('a body above 50 MiB gets the JSON 413, with and without a declared length, and leaves nothing', async () => {
  await using stage = await setStage({ limits: { maxBodyBytes: 100_000 } })
  const declared = await stage.client.upload(
    'sendDocument',
    { chat_id: stage.chat.id },
    { document: new File([new Uint8Array(100_000)], 'a.zst') },
  )
  expect([declared.status, declared.description]).toEqual([413, 'Request Entity Too Large'])
  const stream = new Blob([new Uint8Array(150_000)]).stream()
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
  const init = { method: 'POST', headers, body: stream, duplex: 'half' }
  const undeclared = await answerOf(await fetch(methodUrl(stage, 'sendDocument'), init as RequestInit))
  expect([undeclared.status, undeclared.description]).toEqual([413, 'Request Entity Too Large'])
  expect(stage.emulator.inspect.messages(stage.chat.id)).toEqual([])
})

test('the limit is on the whole body: the largest file is smaller than it', async () => {
  await using stage = await setStage({ limits: { maxBodyBytes: 100_000 } })
  expect((await stage.sendDocument('x'.repeat(99_000))).document.file_size).toBe(99_000)
})

test.for([
  ['parameters above 1 MiB', 413, () => ({ text: 'x'.repeat(1_050_000) })],
  [
    '51 files',
    413,
    () => Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`f${i}`, new File(['x'], 'x')])),
  ],
] as const)('%s are rejected with an empty body and a closed connection', async ([, status, fields]) => {
  await using stage = await setStage()
  const form = new FormData()
  for (const [name, value] of Object.entries(fields())) {
    if (typeof value === 'string') form.set(name, value)
    else form.set(name, value)
  }
  const answer = await fetch(methodUrl(stage, 'sendMessage'), { method: 'POST', body: form })
  expect([answer.status, await answer.text(), answer.headers.get('connection')]).toEqual([
    status,
    '',
    'close',
  ])
})

test('a multipart body without its end is rejected with an empty 400', async () => {
  await using stage = await setStage()
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
  const body = '--b\r\nContent-Disposition: form-data; name="document"; filename="a"\r\n\r\nbytes'
  const answer = await fetch(methodUrl(stage, 'sendDocument'), { method: 'POST', headers, body })
  expect([answer.status, await answer.text()]).toEqual([400, ''])
})

test('a connection that breaks off in the body sends nothing', async () => {
  await using stage = await setStage()
  const path = new URL(methodUrl(stage, 'sendMessage')).pathname
  const query = `?chat_id=${stage.chat.id}&text=never`
  await sendRaw(stage, `POST ${path}${query} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly this`)
  expect(stage.emulator.inspect.messages(stage.chat.id)).toEqual([])
})

test.for(['//', '/%', '/bot%/x', '*', '/bot//', '/?'])(
  'a strange target, %s, is answered and harms nothing',
  async target => {
    await using stage = await setStage()
    const answer = await sendRaw(stage, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 40[014] /)
    expect((await stage.client.call('getMe')).ok).toBe(true)
  },
)

test.for([
  ['/nothing', 404, 'Not Found'],
  ['/file/bot', 404, 'Not Found'],
  ['/bot12345/getMe', 401, 'Unauthorized: invalid token specified'],
  ['/bot0123:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe', 401, 'Unauthorized: invalid token specified'],
  [`/bot1:${'A'.repeat(79)}/getMe`, 401, 'Unauthorized: invalid token specified'],
  [
    '/bot999999999999999999:AAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe',
    401,
    'Unauthorized: invalid token specified',
  ],
  [
    '/botabc:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe',
    421,
    'Misdirected Request: unallowed token specified',
  ],
  ['/bot123:short/getMe', 401, 'Unauthorized'],
  ['/bot123:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe', 401, 'Unauthorized'],
  ['/bot123:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/noMethod', 401, 'Unauthorized'],
  ['/file/bot123:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/documents/file_0', 401, 'Unauthorized'],
] as const)('%s answers %i', async ([path, status, description]) => {
  await using stage = await setStage()
  const answer = await answerOf(await fetch(`${stage.emulator.url}${path}`))
  expect([answer.status, answer.ok, answer.description]).toEqual([status, false, description])
})

test('a revoked token is unauthorized, and its successor is the same bot', async () => {
  await using stage = await setStage()
  const renewed = stage.emulator.asHuman.revokeToken(stage.client.bot)
  expect((await stage.client.call('getMe')).status).toBe(401)
  const answer = await answerOf(await fetch(`${stage.emulator.url}/bot${renewed.token}/getMe`))
  expect(answer.result['id']).toBe(stage.client.bot.id)
})
