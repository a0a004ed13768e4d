import { once } from 'node:events'
import { openDatabase } from '@telegram-backup/database'
import { createTelegramClient } from 'telegram-deployment-bot'
import { openObjectStore } from '#objects/open-object-store.ts'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'
import { contentOf } from '#test/objects/stored-content.ts'

/** What the program needs, as JSON in its first argument. */
export interface StoreTask {
  url: string
  token: string
  apiRoot: string
  config: Parameters<typeof openObjectStore>[0]['config']
  bucket: string
  /** Stores `data/<no>` for all numbers from the first to the last, several at once. */
  from: number
  to: number
}

const AT_ONCE = 6

/** Says the number of each object whose storing was answered. */
const task = JSON.parse(process.argv[2] ?? '') as StoreTask
const database = await openDatabase({ url: task.url })
const { token, apiRoot, config } = task
const client = createTelegramClient({ token, apiRoot, messagesPerMinute: 0 })
const store = await openObjectStore({ database, client, config, cacheBytes: 0, signal: NEVER, log: () => {} })
const bucket = await store.bucket(task.bucket)
void store.tend({ signal: NEVER })
let next = task.from
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next <= task.to) {
      const no = next++
      await store.put(bucket, { key: `data/${no}`, body: bodyOf(contentOf(no)) }, { signal: NEVER })
      if (!process.stdout.write(`${no}\n`)) await once(process.stdout, 'drain')
    }
  }),
)
await store.close({ graceMs: 60_000 })
await database.close()
