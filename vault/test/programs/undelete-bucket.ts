import { beginUndelete, openDatabase } from '@telegram-backup/database'
import { createTelegramClient } from 'telegram-deployment-bot'
import { openObjectStore } from '#objects/open-object-store.ts'
import { NEVER } from '#test/objects/bodies.ts'

/** What the program needs, as JSON in its first argument. */
export interface UndeleteTask {
  url: string
  token: string
  apiRoot: string
  config: Parameters<typeof openObjectStore>[0]['config']
  bucket: string
  /** ISO 8601. */
  at: string
}

/** Takes the bucket back to a moment, as the command does. */
const task = JSON.parse(process.argv[2] ?? '') as UndeleteTask
const database = await openDatabase({ url: task.url })
const { token, apiRoot, config } = task
const client = createTelegramClient({ token, apiRoot, messagesPerMinute: 0 })
const store = await openObjectStore({ database, client, config, cacheBytes: 0, signal: NEVER, log: () => {} })
const bucket = await store.bucket(task.bucket)
await beginUndelete(database, { bucketId: bucket.id, at: new Date(task.at) })
await store.finishUndelete(bucket, { signal: NEVER })
await store.close({ graceMs: 60_000 })
await database.close()
