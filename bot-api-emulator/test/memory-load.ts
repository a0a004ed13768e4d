import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { prepareWorld, startEmulator } from '#index.ts'
import { type BotClient, clientFor } from '#test/bot-client.ts'
import { startProcess } from '#test/processes.ts'

const MEBIBYTE = 1024 * 1024
const DOCUMENT_BYTES = 19 * MEBIBYTE
const LANES = 8
/**
 * What the process may hold above its size at rest: less than the documents under way (measured: 55 to 95
 * MiB).
 */
const ROOM_BYTES = LANES * DOCUMENT_BYTES

/** Sends documents of 19 MiB through an emulator of its own process and back, and checks bytes and memory. */
export async function expectBoundedMemory(options: { totalBytes: number }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-memory-'))
  try {
    const setting = await startEmulator({ dataDir: folder })
    const { bot, chat } = prepareWorld(setting)
    await setting.close()
    await using emulator = await startProcess(folder)
    const client = clientFor(emulator, bot)
    const atRestBytes = await emulator.peakBytes()
    const numbers = Array.from(
      { length: Math.ceil(options.totalBytes / DOCUMENT_BYTES) },
      (_, index) => index,
    )
    const lanes = Array.from({ length: LANES }, async () => {
      for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
        await sendAndFetch(client, chat.id)
      }
    })
    await Promise.all(lanes)
    const grownBytes = (await emulator.peakBytes()) - atRestBytes
    expect(grownBytes).toBeLessThan(ROOM_BYTES)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function sendAndFetch(client: BotClient, chatId: number): Promise<void> {
  const content = randomBytes(DOCUMENT_BYTES)
  const document = new File([content], 'part.zst.age')
  const { result } = await client.upload('sendDocument', { chat_id: chatId }, { document })
  const file = await client.call('getFile', { file_id: result.document.file_id })
  const answer = await client.download(file.result.file_path)
  const hash = createHash('sha256')
  for await (const piece of answer.body ?? []) hash.update(piece)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'))
}
