import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Emulator, prepareWorld, startEmulator } from '#index.ts'
import { clientFor } from '#test/bot-client.ts'
import { startProcess } from '#test/processes.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-test-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const reopen = (): Promise<Emulator> => startEmulator({ dataDir: folder })
const storedFiles = () => readdir(join(folder, 'documents'))

/** Says what can be seen of an emulator from outside. */
const stateOf = ({ inspect }: Emulator) => ({
  bots: inspect.bots(),
  chats: inspect.chats(),
  messages: inspect.chats().map(chat => inspect.allMessages(chat.id)),
})

async function upload(emulator: Emulator, content: string): Promise<{ messageId: number; fileId: string }> {
  const { bot, chat } = prepareWorld(emulator)
  const file = new File([content], 'a.zst')
  const answer = await clientFor(emulator, bot).upload(
    'sendDocument',
    { chat_id: chat.id },
    { document: file },
  )
  return { messageId: answer.result.message_id, fileId: answer.result.document.file_id }
}

test('a data folder opened again has the same token, chat, messages, bytes, clock and updates', async () => {
  const first = await reopen()
  const { bot, chat } = prepareWorld(first)
  const client = clientFor(first, bot)
  const kept = await upload(first, 'kept')
  const deleted = await upload(first, 'deleted')
  await client.call('pinChatMessage', { chat_id: chat.id, message_id: kept.messageId })
  await client.call('deleteMessage', { chat_id: chat.id, message_id: deleted.messageId })
  await first.asHuman.post(chat.id, { text: 'unheard' })
  const { file_path } = (await client.call('getFile', { file_id: kept.fileId })).result
  const wallMs = Date.now()
  first.clock.advance(30 * 60_000)
  const before = stateOf(first)
  const updates = (await client.call('getUpdates')).result
  await first.close()

  const second = await reopen()
  const again = clientFor(second, bot)
  expect(prepareWorld(second)).toEqual({ bot, chat })
  expect(stateOf(second)).toEqual(before)
  expect((await again.call('getUpdates')).result).toEqual(updates)
  expect((await again.call('getChat', { chat_id: chat.id })).result.pinned_message?.message_id).toBe(
    kept.messageId,
  )
  expect(await (await again.download(file_path)).text()).toBe('kept')
  // The clock of the machine may have been set back by a moment.
  expect(second.clock.now()).toBeGreaterThan(wallMs + 29 * 60_000)
  expect((await upload(second, 'next')).messageId).toBe(6)
  await second.close()
})

test('without a data folder nothing is left', async () => {
  vi.stubEnv('TMPDIR', folder)
  const emulator = await startEmulator()
  await upload(emulator, 'gone')
  expect(await readdir(folder)).toHaveLength(1)
  await emulator.close()
  expect(await readdir(folder)).toEqual([])
})

test('a second emulator is refused a folder that is in use, and gets it afterwards', async () => {
  const first = await reopen()
  await expect(reopen()).rejects.toMatchObject({ name: 'EmulatorError', code: 'DATA_DIR_IN_USE' })
  await first.close()
  await (await reopen()).close()
})

test('the lock of a process that is gone is no obstacle', async () => {
  await writeFile(join(folder, 'lock.json'), JSON.stringify({ pid: 2 ** 22 + 1, processStartMs: 0 }))
  await (await reopen()).close()
  await writeFile(join(folder, 'lock.json'), JSON.stringify({ pid: process.pid, processStartMs: 0 }))
  await (await reopen()).close()
  await writeFile(join(folder, 'lock.json'), '{"pid"')
  await (await reopen()).close()
})

test('a taken port rejects and leaves the folder free', async () => {
  const first = await startEmulator()
  const port = Number(new URL(first.url).port)
  await expect(startEmulator({ port, dataDir: folder })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await (await reopen()).close()
  await first.close()
})

test('a last line that was not written whole is cut off; the rest is there', async () => {
  const first = await reopen()
  const { messageId } = await upload(first, 'whole')
  const before = stateOf(first)
  await first.close()
  const journal = join(folder, 'journal.jsonl')
  const whole = await readFile(journal)
  await appendFile(journal, '{"kind":"deleted","box":"chat:-100')
  const second = await reopen()
  expect(stateOf(second)).toEqual(before)
  expect(await readFile(journal)).toEqual(whole)
  expect((await upload(second, 'more')).messageId).toBe(messageId + 1)
  await second.close()
  const third = await reopen()
  expect(third.inspect.messages(prepareWorld(third).chat.id)).toHaveLength(2)
  await third.close()
})

test.for([
  [
    'damaged in the middle',
    '{"kind":"opened","format":1,"fileIdKey":"00"}\nnot JSON\n',
    'Line 2 is not JSON',
  ],
  ['of another format', '{"kind":"opened","format":2}\n', 'does not begin as format 1 does'],
  ['that is something else', '{"hello":"world"}\n', 'does not begin as format 1 does'],
] as const)('a journal %s is refused, and the folder stays free', async ([, content, reason]) => {
  await writeFile(join(folder, 'journal.jsonl'), content)
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(reopen()).rejects.toMatchObject({
      code: 'DATA_DIR_UNREADABLE',
      message: expect.stringContaining(reason),
    })
  }
  expect(await readdir(folder)).toEqual(['journal.jsonl'])
})

test('refused and broken uploads leave no file; what a killed process left is removed at the next start', async () => {
  const first = await reopen()
  const { bot, chat } = prepareWorld(first)
  const client = clientFor(first, bot)
  const document = new File(['x'.repeat(100_000)], 'a.zst')
  await client.upload('sendDocument', { chat_id: -1 }, { document })
  await client.upload('getMe', {}, { document })
  first.faults.on('sendDocument', {}, { kind: 'reset-during' })
  await client.upload('sendDocument', { chat_id: chat.id }, { document }).catch(() => {})
  first.faults.on('sendDocument', {}, { kind: 'status', status: 500 })
  await client.upload('sendDocument', { chat_id: chat.id }, { document })
  await client.upload('sendDocument', { chat_id: chat.id }, { document })
  await first.close()
  expect(await storedFiles()).toHaveLength(1)
  await writeFile(join(folder, 'documents', 'left-by-a-killed-process'), 'part')
  await (await reopen()).close()
  expect(await storedFiles()).toHaveLength(1)
})

test('closing in the middle of an upload waits until the part of it that came is gone', async () => {
  const emulator = await reopen()
  const { bot, chat } = prepareWorld(emulator)
  const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1')
  const head = `POST /bot${bot.token}/sendDocument?chat_id=${chat.id} HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n`
  socket.on('error', () => {})
  socket.write(`${head}Content-Type: multipart/form-data; boundary=b\r\n\r\n`)
  socket.write('--b\r\nContent-Disposition: form-data; name="document"; filename="a"\r\n\r\nbytes')
  while ((await storedFiles()).length === 0) await setImmediate()
  await emulator.close()
  expect(await storedFiles()).toEqual([])
})

test('kill -9 in the middle of uploads loses nothing that was answered', async () => {
  const setting = await reopen()
  const { bot, chat } = prepareWorld(setting)
  await setting.close()
  const answered: Array<{ messageId: number; content: string }> = []
  let sent = 0
  for (let round = 0; round < 3; round++) {
    await using emulator = await startProcess(folder)
    const { child } = emulator
    const client = clientFor(emulator, bot)
    const killed = once(child, 'exit')
    const uploads = Array.from({ length: 4 }, async () => {
      while (child.exitCode === null && child.signalCode === null) {
        const content = `document ${sent++} ${'x'.repeat(50_000)}`
        const document = new File([content], 'a.zst')
        const answer = await client
          .upload('sendDocument', { chat_id: chat.id }, { document })
          .catch(() => undefined)
        if (answer === undefined) return
        answered.push({ messageId: answer.result.message_id, content })
        if (answered.length === (round + 1) * 15) child.kill('SIGKILL')
      }
    })
    await Promise.all(uploads)
    await killed
  }
  const after = await reopen()
  expect(answered.length).toBeGreaterThanOrEqual(45)
  for (const { messageId, content } of answered) {
    expect((await after.inspect.documentBytes(chat.id, messageId)).toString() === content).toBe(true)
  }
  const ids = after.inspect.messages(chat.id).map(message => message.message_id)
  expect(new Set(ids).size).toBe(ids.length)
  const documents = after.inspect.messages(chat.id).filter(message => message.document !== undefined)
  await after.close()
  // A document whose message was not yet written may be there too: at most one for each upload under way.
  const unseen = (await storedFiles()).length - documents.length
  expect(unseen).toBeGreaterThanOrEqual(0)
  expect(unseen).toBeLessThanOrEqual(12)
})
