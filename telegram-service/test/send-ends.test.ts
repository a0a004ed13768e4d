import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { recipientOf } from '@telegram-backup/archive'
import { expect, test } from 'vitest'
import { emulatedChat } from '#test/emulated-chat.ts'

test('a process that has sent, fetched, failed and cancelled has nothing left that keeps it', async () => {
  const chat = await emulatedChat()
  const program = fileURLToPath(import.meta.resolve('#test/send-and-end.ts'))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      program,
      chat.emulator.url,
      chat.token,
      String(chat.chatId),
      await recipientOf(chat.identity),
      chat.identity,
    ],
    {
      timeout: 100_000,
      env: { ...process.env, BACKUP_SIGNING_KEY_FILE: join(chat.folder, 'signing-key.pem') },
    },
  )
  expect(stdout).toBe('200000 false false 0')
  // What the first send made is there, and nothing of the cancelled one.
  expect(chat.messages().filter(message => message.caption?.includes(' manifest '))).toHaveLength(1)
})
