import { execFileSync } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { collect, emulatedChat } from '#test/emulated-chat.ts'
import { sendSixParts } from '#test/failed-send.ts'

function makeFifo(folder: string): string {
  const path = join(folder, 'fifo')
  execFileSync('bash', ['-c', 'mkfifo "$0"', path])
  return path
}

test('a FIFO that nobody writes into can be cancelled', async () => {
  const chat = await emulatedChat()
  const cancel = new AbortController()
  const sending = sendSixParts(chat, { file: makeFifo(chat.folder), signal: cancel.signal })
  setTimeout(() => cancel.abort(), 50)
  const { result, ledger } = await sending
  expect(result).toMatchObject({ success: false, cause: { code: 'CANCELLED' } })
  expect(ledger.calls).toEqual([])
})

test('a FIFO is waited for, and read to its end', async () => {
  const chat = await emulatedChat()
  const path = makeFifo(chat.folder)
  const sending = sendSixParts(chat, { file: path, signal: new AbortController().signal })
  await appendFile(path, 'through the pipe')
  const { result } = await sending
  expect(result.success).toBe(true)
  if (result.metadata) expect(String(await collect(chat.fetch(result.metadata)))).toBe('through the pipe')
})
