import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, mkdir, open, rename, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type BackupSendResult, BackupService, type BackupType } from '#index.ts'
import { openFile } from '#services/file-source.ts'
import { collect, type EmulatedChat, emulatedChat } from '#test/emulated-chat.ts'
import { expectHonestFailure, inChat, sendSixParts } from '#test/failed-send.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { recordingLedger } from '#test/recording-ledger.ts'

const SIZE_BYTES = 3 * 1024 * 1024

/**
 * Sends a file of 3 MiB and does something to it when the first part is about to leave, with most of it
 * unread.
 */
async function sendChanging(
  chat: EmulatedChat,
  type: BackupType,
  change: (path: string) => Promise<void>,
): Promise<{ run: Awaited<ReturnType<typeof sendSixParts>>; before: Buffer }> {
  const path = join(chat.folder, 'app.log')
  const before = randomBytes(SIZE_BYTES)
  await writeFile(path, before)
  const ledger = recordingLedger()
  const intendMessage = ledger.intendMessage.bind(ledger)
  let changed = false
  ledger.intendMessage = async message => {
    if (!changed) await change(path)
    changed = true
    return intendMessage(message)
  }
  return { run: await sendSixParts(chat, { file: path, type, ledger }), before }
}

async function writeInto(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.from('other'), 0, 5, position)
  await file.close()
}

async function fetched(chat: EmulatedChat, result: BackupSendResult): Promise<Buffer> {
  if (!result.metadata) throw new Error(result.error)
  return collect(chat.fetch(result.metadata))
}

describe('a file that changes while it is read', () => {
  test.each<[string, (path: string) => Promise<void>, RegExp]>([
    ['shrinks', path => truncate(path, SIZE_BYTES - 1), /shrank/],
    ['is emptied', path => truncate(path, 0), /shrank/],
    ['grows', path => appendFile(path, 'more'), /grew/],
    ['is written over', path => writeFile(path, randomBytes(SIZE_BYTES)), /was changed/],
    ['is written into where it was read already', path => writeInto(path, 0), /was changed/],
    ['is written into where it was not read yet', path => writeInto(path, SIZE_BYTES - 10), /was changed/],
  ])('and %s is a torn copy: the send fails and leaves nothing', async (_, change, words) => {
    const chat = await emulatedChat()
    const { run } = await sendChanging(chat, 'database', change)
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({
      cause: { code: 'SOURCE' },
      error: expect.stringMatching(words),
      leftInChat: 0,
    })
    expect(inChat(chat)).toEqual([])
  })

  test('and is a log may grow: what is sent is a whole beginning of it, with all that was there at first', async () => {
    const chat = await emulatedChat()
    const more = randomBytes(100_000)
    const { run, before } = await sendChanging(chat, 'logs', path => appendFile(path, more))
    const bytes = await fetched(chat, run.result)
    expect(bytes.length).toBeGreaterThanOrEqual(before.length)
    expect(Buffer.concat([before, more]).subarray(0, bytes.length).equals(bytes)).toBe(true)
  })

  test('and is a log must not shrink or be written over', async () => {
    for (const change of [
      (path: string) => truncate(path, 0),
      (path: string) => writeFile(path, randomBytes(SIZE_BYTES)),
    ]) {
      const chat = await emulatedChat()
      const { run } = await sendChanging(chat, 'logs', change)
      expectHonestFailure(chat, run)
      expect(run.result.cause).toMatchObject({ code: 'SOURCE' })
    }
  })

  test('by being replaced under its name stays the file that was opened, whole', async () => {
    const chat = await emulatedChat()
    const { run, before } = await sendChanging(chat, 'database', async path => {
      await writeFile(`${path}.new`, 'another file')
      await rename(`${path}.new`, path)
    })
    expect((await fetched(chat, run.result)).equals(before)).toBe(true)
  })

  test('and back again is found by the number of bytes that were read', async () => {
    const chat = await emulatedChat()
    const file = join(chat.folder, 'dump.sql')
    await writeFile(file, 'some bytes')
    const source = await openFile(file, { type: 'database' })
    onTestFinished(() => source.close())
    await source.finish(10)
    for (const bytesRead of [9, 11]) {
      await expect(failureOf(source.finish(bytesRead))).resolves.toMatchObject({ code: 'SOURCE' })
    }
  })

  test('back to its old time is found by its length', async () => {
    const chat = await emulatedChat()
    const { run } = await sendChanging(chat, 'database', async path => {
      const file = await open(path)
      const { atime, mtime } = await file.stat()
      await file.close()
      await appendFile(path, 'x')
      await utimes(path, atime, mtime)
    })
    expect(run.result.cause).toMatchObject({ code: 'SOURCE' })
  })
})

describe('a stream', () => {
  const pieces = (count: number, end: (stream: Readable) => void): Readable => {
    let given = 0
    return new Readable({
      read() {
        if (given++ < count) this.push(randomBytes(50_000))
        else end(this)
      },
    })
  }

  test.each<[string, () => Readable]>([
    ['fails at once', () => pieces(0, stream => stream.destroy(new Error('the pump broke')))],
    ['fails midway', () => pieces(20, stream => stream.destroy(new Error('the pump broke')))],
    ['is destroyed midway without an error', () => pieces(20, stream => stream.destroy())],
    ['cannot be opened', () => createReadStream('/does/not/exist')],
  ])('that %s fails the send, which leaves nothing', async (_, create) => {
    const chat = await emulatedChat()
    const file = create()
    const run = await sendSixParts(chat, { file })
    expectHonestFailure(chat, run)
    expect(run.result).toMatchObject({ cause: { code: 'SOURCE' }, leftInChat: 0 })
    expect(inChat(chat)).toEqual([])
    expect(file.destroyed).toBe(true)
  })

  test('that failed before it was given is a source that failed', async () => {
    const chat = await emulatedChat()
    const file = createReadStream('/does/not/exist')
    file.on('error', () => {})
    while (!file.errored) await turn()
    const { result } = await sendSixParts(chat, { file })
    expect(result).toMatchObject({ success: false, cause: { code: 'SOURCE' } })
  })

  test('that fails while the signing key is still being read does not end the process', async () => {
    const chat = await emulatedChat()
    vi.stubEnv('BACKUP_SIGNING_KEY_FILE', join(chat.folder, 'keys', 'signing-key.pem'))
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    const service = new BackupService({
      telegramClient: chat.client,
      defaultChatId: String(chat.chatId),
      encryption: 'off',
    })
    const file = createReadStream('/does/not/exist')
    const result = await service.sendBackup({ projectId: 'shop', type: 'logs', file })
    expect(result).toMatchObject({ success: false, cause: { code: 'SOURCE' } })
  })

  test('that was read already is refused, and not taken for an empty backup', async () => {
    const chat = await emulatedChat()
    const read = Readable.from([Buffer.from('x')])
    await collect(read)
    const destroyed = Readable.from([Buffer.from('x')]).destroy()
    for (const file of [read, destroyed]) {
      const { result } = await sendSixParts(chat, { file })
      expect(result).toMatchObject({ success: false, cause: { code: 'INVALID' } })
    }
    expect(chat.emulator.inspect.calls('sendDocument')).toBe(0)
  })

  test('is destroyed also when the send is refused before anything is read', async () => {
    const chat = await emulatedChat()
    const file = Readable.from([Buffer.from('x')])
    const { result } = await sendSixParts(chat, { file, projectId: 'not a valid one' })
    expect(result.success).toBe(false)
    expect(file.destroyed).toBe(true)
  })

  test('that hangs does not keep a send that fails otherwise', async () => {
    const chat = await emulatedChat()
    const file = new Readable({ read() {} })
    const { result } = await sendSixParts(chat, { file, chatId: '-1009999999999' })
    expect(result).toMatchObject({ success: false, cause: { code: 'CONFIGURATION' } })
    expect(file.destroyed).toBe(true)
  })

  test('of a program’s output comes back equal', async () => {
    const chat = await emulatedChat()
    const child = spawn('seq', ['1', '200000'])
    const { result } = await sendSixParts(chat, { file: child.stdout })
    const lines = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`)
    expect((await fetched(chat, result)).toString() === lines.join('')).toBe(true)
  })
})

describe('what is no source', () => {
  test('is refused before anything is asked', async () => {
    const chat = await emulatedChat()
    await mkdir(join(chat.folder, 'folder'))
    const files: unknown[] = [
      undefined,
      null,
      '',
      5,
      {},
      [Buffer.from('x')],
      join(chat.folder, 'folder'),
      join(chat.folder, 'none'),
    ]
    for (const file of files) {
      const { result, ledger } = await sendSixParts(chat, { file: file as string })
      expect(result).toMatchObject({ success: false, cause: { code: 'INVALID' } })
      expect(ledger.calls).toEqual([])
    }
    expect(chat.emulator.inspect.calls()).toBe(0)
  })
})
