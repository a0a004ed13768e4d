import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import type { Fault } from '#index.ts'
import { type Stage, setStage } from '#test/bot-client.ts'

const alive = ({ emulator, chat }: Stage) => emulator.inspect.messages(chat.id).length

test.for([
  ['answer-lost', 1],
  ['reset-before', 0],
  ['reset-during', 0],
] as const)('%s: the client sees a broken connection, and %i messages are there', async ([kind, count]) => {
  await using stage = await setStage()
  stage.emulator.faults.on('sendDocument', {}, { kind })
  await expect(stage.sendDocument('x'.repeat(200_000))).rejects.toThrow('fetch failed')
  expect(alive(stage)).toBe(count)
  await stage.sendDocument()
  expect(alive(stage)).toBe(count + 1)
})

test('reset-during cuts when half of the body has come, without waiting for the rest', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  emulator.faults.on('sendMessage', {}, { kind: 'reset-during' })
  const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1')
  socket.write(`POST /bot${client.bot.token}/sendMessage HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`)
  socket.write('x'.repeat(500))
  const [error] = await once(socket, 'error')
  expect(error).toMatchObject({ code: 'ECONNRESET' })
  expect(alive(stage)).toBe(0)
})

test.for([
  [{ kind: 'status', status: 500 }, 500, /^\{.*"description":"Internal Server Error"\}$/],
  [{ kind: 'status', status: 502 }, 502, /^<html>[\s\S]*502 Bad Gateway[\s\S]*nginx/],
  [{ kind: 'status', status: 502, html: false }, 502, /^\{.*"error_code":502,"description":"Bad Gateway"\}$/],
  [{ kind: 'status', status: 503 }, 503, /^<html>[\s\S]*503 Service Unavailable/],
  [{ kind: 'too-large', body: 'json' }, 413, /^\{.*"description":"Request Entity Too Large"\}$/],
  [{ kind: 'too-large', body: 'html' }, 413, /^<html>[\s\S]*413 Request Entity Too Large/],
  [{ kind: 'too-large', body: 'empty' }, 413, /^$/],
  [
    { kind: 'flood', retryAfterSeconds: 7 },
    429,
    /"description":"Too Many Requests: retry after 7","parameters":\{"retry_after":7\}\}$/,
  ],
  [
    { kind: 'flood', retryAfterSeconds: 9, wrapped400: true },
    400,
    /"description":"Bad Request: too Many Requests: retry after 9"\}$/,
  ],
  [
    { kind: 'error', errorCode: 403, description: 'Forbidden: user is deactivated' },
    403,
    /"description":"Forbidden: user is deactivated"\}$/,
  ],
] satisfies ReadonlyArray<readonly [Fault, number, RegExp]>)(
  '%j answers %i and does nothing',
  async ([fault, status, body]) => {
    await using stage = await setStage()
    stage.emulator.faults.on('sendMessage', {}, fault)
    const url = `${stage.emulator.url}/bot${stage.client.bot.token}/sendMessage?chat_id=${stage.chat.id}&text=a`
    const answer = await fetch(url)
    expect(answer.status).toBe(status)
    expect(await answer.text()).toMatch(body)
    if (status === 429) expect(answer.headers.get('retry-after')).toBe('7')
    expect(alive(stage)).toBe(0)
  },
)

test('a fault meets the nth call and as many as asked for, of its own method only', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  emulator.faults.on('GetMe', { call: 2, calls: 2 }, { kind: 'status', status: 500 })
  await client.call('getChat', { chat_id: stage.chat.id })
  const statuses: number[] = []
  for (let call = 0; call < 5; call++) statuses.push((await client.call('getMe')).status)
  expect(statuses).toEqual([200, 500, 500, 200, 200])
})

test('a fault for every method spares downloads, and clear() takes all faults back', async () => {
  await using stage = await setStage()
  const { file_id } = (await stage.sendDocument('x')).document
  const { file_path } = (await stage.client.call('getFile', { file_id })).result
  stage.emulator.faults.on('*', { calls: 100 }, { kind: 'status', status: 500 })
  expect((await stage.client.call('getMe')).status).toBe(500)
  expect((await stage.client.download(file_path)).status).toBe(200)
  stage.emulator.faults.clear()
  expect((await stage.client.call('getMe')).status).toBe(200)
})

test('a delayed call is answered as usual; closing does not wait for it', async () => {
  const stage = await setStage()
  stage.emulator.faults.on('getMe', {}, { kind: 'delay', ms: 20 })
  expect((await stage.client.call('getMe')).ok).toBe(true)
  stage.emulator.faults.on('getMe', {}, { kind: 'delay', ms: 3_600_000 })
  const waiting = stage.client.call('getMe').catch(error => error)
  while (stage.emulator.inspect.calls('getMe') < 2) await stage.client.call('getChat')
  await stage.emulator.close()
  expect(await waiting).toBeInstanceOf(Error)
})

test('calls at the same time are counted', async () => {
  const stage = await setStage()
  const { emulator, client } = stage
  await client.call('getMe')
  emulator.faults.on('getMe', { calls: 3 }, { kind: 'delay', ms: 3_600_000 })
  const waiting = [1, 2, 3].map(() => client.call('getMe').catch(error => error))
  while (emulator.inspect.calls('getMe') < 4) await client.call('getChat')
  expect(emulator.inspect.maximumConcurrent('getMe')).toBe(3)
  await emulator.close()
  await Promise.all(waiting)
})

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))

/** A stage with one document of CONTENT, and a function that downloads it. */
async function prepareDownload(fault: Fault): Promise<{ stage: Stage; download: () => Promise<Response> }> {
  const stage = await setStage({ rangeRequests: true })
  const { client, chat, emulator } = stage
  const file = new File([CONTENT], 'a.zst')
  const { result } = await client.upload('sendDocument', { chat_id: chat.id }, { document: file })
  const { file_path } = (await client.call('getFile', { file_id: result.document.file_id })).result
  emulator.faults.on('download', {}, fault)
  return { stage, download: () => client.download(file_path) }
}

test.for([
  { kind: 'truncate', keepBytes: 100_000 },
  { kind: 'truncate', keepBytes: 0 },
  { kind: 'reset-during' },
] satisfies readonly Fault[])('a download under %j breaks off', async fault => {
  const { stage, download } = await prepareDownload(fault)
  await using _ = stage
  const answer = await download()
  expect(answer.headers.get('content-length')).toBe('300000')
  await expect(answer.arrayBuffer()).rejects.toThrow()
  expect(Buffer.from(await (await download()).arrayBuffer())).toEqual(CONTENT)
})

test('a hidden truncation looks like a whole file', async () => {
  const { stage, download } = await prepareDownload({ kind: 'truncate', keepBytes: 100_000, hidden: true })
  await using _ = stage
  const answer = await download()
  expect(answer.headers.get('content-length')).toBe('100000')
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(CONTENT.subarray(0, 100_000))
})

test.for([0, 65_536, 299_999])('a flipped bit at byte %i changes that byte and no other', async offset => {
  const { stage, download } = await prepareDownload({ kind: 'flip-bit', offset })
  await using _ = stage
  const bytes = Buffer.from(await (await download()).arrayBuffer())
  const expected = Buffer.from(CONTENT)
  expected[offset] = (expected[offset] ?? 0) ^ 1
  expect(bytes.equals(expected)).toBe(true)
  expect(Buffer.from(await (await download()).arrayBuffer()).equals(CONTENT)).toBe(true)
})

test('a slow download arrives whole', async () => {
  const { stage, download } = await prepareDownload({ kind: 'slow', bytesPerSecond: 3_000_000 })
  await using _ = stage
  expect(Buffer.from(await (await download()).arrayBuffer()).equals(CONTENT)).toBe(true)
})

test('closing does not wait for a slow download', async () => {
  const { stage, download } = await prepareDownload({ kind: 'slow', bytesPerSecond: 20 })
  const answer = await download()
  const body = answer.arrayBuffer().catch(error => error)
  await stage.emulator.close()
  expect(await body).toBeInstanceOf(Error)
})

test('an order that cannot be answered costs its connection, not the emulator', async () => {
  await using stage = await setStage()
  stage.emulator.faults.on('getMe', {}, { kind: 'error', errorCode: 99_999, description: 'no such status' })
  await expect(stage.client.call('getMe')).rejects.toThrow('fetch failed')
  expect((await stage.client.call('getMe')).ok).toBe(true)
})

test('the file may be temporarily unavailable', async () => {
  await using stage = await setStage()
  const { file_id } = (await stage.sendDocument()).document
  const description = 'Bad Request: wrong file_id or the file is temporarily unavailable'
  stage.emulator.faults.on('getFile', {}, { kind: 'error', errorCode: 400, description })
  expect((await stage.client.call('getFile', { file_id })).description).toBe(description)
  expect((await stage.client.call('getFile', { file_id })).ok).toBe(true)
})
