import { openDatabase } from '@telegram-backup/database'
import { createTelegramClient } from 'telegram-deployment-bot'
import { openObjectStore } from '#objects/open-object-store.ts'
import { NEVER } from '#test/objects/bodies.ts'
import type { StoreTask } from '#test/programs/store-objects.ts'

/** So many objects of one size, so many at a time; then each is read again. */
export interface MuchTask extends StoreTask {
  bytes: number
  atOnce: number
}

const PIECE = Buffer.allocUnsafe(65_536)
// Not compressible, and not the same in each piece: the first bytes are counted up.
crypto.getRandomValues(PIECE)

async function* bodyOf(bytes: number): AsyncGenerator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length) {
    const piece = Buffer.from(PIECE.subarray(0, Math.min(left, PIECE.length)))
    if (piece.length >= 8) piece.writeDoubleLE(left)
    yield piece
  }
}

/** Says the most memory that it has used, in bytes, after storing and after reading. */
const task = JSON.parse(process.argv[2] ?? '') as MuchTask
const database = await openDatabase({ url: task.url })
const { token, apiRoot, config, bytes, atOnce } = task
const client = createTelegramClient({ token, apiRoot, messagesPerMinute: 0 })
const store = await openObjectStore({
  ...{ database, client, config, signal: NEVER, log: console.error },
  cacheBytes: 1_000_000_000,
})
const bucket = await store.bucket(task.bucket)

async function forEach(work: (no: number) => Promise<void>): Promise<void> {
  let next = task.from
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next <= task.to) await work(next++)
    }),
  )
  console.log(process.resourceUsage().maxRSS * 1024)
}

await forEach(async no => {
  await store.put(bucket, { key: `${no}`, body: bodyOf(bytes) }, { signal: NEVER })
})
await forEach(async no => {
  const { body } = await store.get(bucket, `${no}`, { signal: NEVER })
  let read = 0
  for await (const piece of body) read += piece.length
  if (read !== bytes) throw new Error(`Object ${no} has ${read} bytes`)
})
await store.close({ graceMs: 60_000 })
await database.close()
