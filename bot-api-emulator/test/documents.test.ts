import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { clientFor, setStage } from '#test/bot-client.ts'

const HOUR_MS = 3_600_000

test('a document is answered with its cleaned name, its type by extension, its size and its ids', async () => {
  await using stage = await setStage()
  const message = await stage.sendDocument('12345', 'a:b.tar', { caption: '  part 1\r\n ' })
  expect(message).toMatchObject({
    message_id: 2,
    caption: 'part 1',
    sender_chat: { id: stage.chat.id, type: 'channel' },
    document: { file_name: 'a b.tar', mime_type: 'application/x-tar', file_size: 5 },
  })
  expect(message).not.toHaveProperty('from')
  expect(message.document.file_id).toMatch(/^BQAC[A-Za-z0-9_-]+$/)
})

test('the inspection tells the SHA-256 of what was received', async () => {
  await using stage = await setStage()
  await stage.sendDocument('a'.repeat(200_000))
  const [message] = stage.emulator.inspect.messages(stage.chat.id)
  const sha256 = createHash('sha256').update('a'.repeat(200_000)).digest('hex')
  expect(message?.document).toMatchObject({ file_name: 'backup.zst', file_size: 200_000, sha256 })
})

test('equal bytes are two documents; one document in two messages has two file_ids and one file_unique_id', async () => {
  await using stage = await setStage()
  const first = await stage.sendDocument('same')
  const second = await stage.sendDocument('same')
  expect(second.document.file_unique_id).not.toBe(first.document.file_unique_id)
  const fields = { chat_id: stage.chat.id, document: first.document.file_id }
  const { result: again } = await stage.client.call('sendDocument', fields)
  expect(again.document.file_unique_id).toBe(first.document.file_unique_id)
  expect(again.document.file_id).not.toBe(first.document.file_id)
  expect(again.document.file_name).toBe('backup.zst')
})

test('a document outlives its message: the old file_id still fetches the bytes', async () => {
  await using stage = await setStage()
  const { message_id, document } = await stage.sendDocument('still here')
  await stage.client.call('deleteMessage', { chat_id: stage.chat.id, message_id })
  const { result } = await stage.client.call('getFile', { file_id: document.file_id })
  expect(await (await stage.client.download(result.file_path)).text()).toBe('still here')
})

test('a file_path is the same while it is valid, and keeps the extension but not the name', async () => {
  await using stage = await setStage()
  const first = (await stage.sendDocument('a', 'name.tar.zst')).document.file_id
  const second = (await stage.sendDocument('b', 'plain')).document.file_id
  const paths: string[] = []
  for (const file_id of [first, second, first]) {
    paths.push((await stage.client.call('getFile', { file_id })).result.file_path)
  }
  expect(paths).toEqual(['documents/file_0.zst', 'documents/file_1', 'documents/file_0.zst'])
})

test('a file_path expires an hour after the last getFile; a new getFile gives another', async () => {
  await using stage = await setStage()
  const { file_id } = (await stage.sendDocument('x')).document
  const fetchPath = async () => (await stage.client.call('getFile', { file_id })).result.file_path
  const path = await fetchPath()
  stage.emulator.clock.advance(HOUR_MS - 1000)
  expect((await stage.client.download(path)).status).toBe(200)
  await fetchPath()
  stage.emulator.clock.advance(HOUR_MS - 1000)
  expect((await stage.client.download(path)).status).toBe(200)
  stage.emulator.clock.advance(2000)
  const expired = await stage.client.download(path)
  expect([expired.status, await expired.json()]).toEqual([
    404,
    { ok: false, error_code: 404, description: 'Not Found' },
  ])
  expect(await fetchPath()).not.toBe(path)
})

test('a file_path works with the token of its own bot only', async () => {
  await using stage = await setStage()
  const { file_id } = (await stage.sendDocument('x')).document
  const { file_path } = (await stage.client.call('getFile', { file_id })).result
  const other = clientFor(stage.emulator, stage.emulator.createBot())
  expect((await other.download(file_path)).status).toBe(404)
})

test('two bots in a chat see one document under different file_ids, each with its own way to the bytes', async () => {
  await using stage = await setStage()
  const sent = await stage.sendDocument('shared')
  await stage.client.call('pinChatMessage', { chat_id: stage.chat.id, message_id: sent.message_id })
  const other = clientFor(stage.emulator, stage.emulator.createBot())
  stage.emulator.asHuman.promote(stage.chat.id, other.bot)
  const seen = (await other.call('getChat', { chat_id: stage.chat.id })).result.pinned_message?.document
  expect(seen?.file_unique_id).toBe(sent.document.file_unique_id)
  expect(seen?.file_id).not.toBe(sent.document.file_id)
  const { result } = await other.call('getFile', { file_id: seen?.file_id })
  expect(await (await other.download(result.file_path)).text()).toBe('shared')
})

test('ranges are ignored unless asked for, and obeyed then', async () => {
  const range = { Range: 'bytes=2-4' }
  for (const rangeRequests of [false, true]) {
    await using stage = await setStage({ rangeRequests })
    const { file_id } = (await stage.sendDocument('0123456789')).document
    const { file_path } = (await stage.client.call('getFile', { file_id })).result
    const part = await stage.client.download(file_path, range)
    expect([part.status, await part.text()]).toEqual(rangeRequests ? [206, '234'] : [200, '0123456789'])
    if (!rangeRequests) continue
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10')
    const tail = await stage.client.download(file_path, { Range: 'bytes=-3' })
    expect(await tail.text()).toBe('789')
    const rest = await stage.client.download(file_path, { Range: 'bytes=8-' })
    expect(await rest.text()).toBe('89')
    const beyond = await stage.client.download(file_path, { Range: 'bytes=10-' })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
  }
})

test('captions of 1024 code points pass, counted after the markup is taken out', async () => {
  await using stage = await setStage()
  const caption = ` \n<b>${'𝄞'.repeat(1000)}</b>&amp;${'x'.repeat(23)}`
  const message = await stage.sendDocument('x', 'a', { caption, parse_mode: 'HTML' })
  expect(message.caption).toBe(`${'𝄞'.repeat(1000)}&${'x'.repeat(23)}`)
  expect(message['caption_entities']).toEqual([{ type: 'bold', offset: 0, length: 2000 }])
})
