import { randomBytes } from 'node:crypto'
import { BackupService, createTelegramClient } from '#index.ts'

// Sends, fetches, fails and cancels, and then has nothing left to do: if the process stays, something was
// left behind. Arguments: API root, token, chat id, age recipient, age identity.
const [apiRoot, token, chatId, recipient, identity] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
]
const service = new BackupService({
  telegramClient: createTelegramClient({ token, apiRoot, messagesPerMinute: 20 }),
  defaultChatId: chatId,
  encryption: { recipients: [recipient] },
  partSizeBytes: 64 * 1024,
})
const backup = { projectId: 'shop', type: 'logs', file: randomBytes(200_000) } as const

const { metadata } = await service.sendBackup(backup)
if (!metadata?.parts) throw new Error('it was not sent')
const fetched = service.fetchBackup({
  backupId: metadata.id,
  parts: metadata.parts,
  encrypted: true,
  identities: [identity],
})
for await (const _ of fetched) break
const failed = await service.sendBackup({ ...backup, file: '/does/not/exist' })
// The pace lets twenty messages go in a minute; the rest would have to wait for it.
const cancelled = await service.sendBackup({
  ...backup,
  file: randomBytes(2_000_000),
  signal: AbortSignal.timeout(700),
})
process.stdout.write([metadata.size, failed.success, cancelled.success, cancelled.leftInChat].join(' '))
