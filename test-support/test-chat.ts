import { openIndex, type VaultIndex } from '@telegram-backup/archive'
import type { StoredMessage } from '@telegram-backup/bot-api-emulator'
import {
  type Database,
  evidenceOfChat,
  listMessages,
  migrate,
  openDatabase,
  queryBackups,
} from '@telegram-backup/database'
import { expect } from 'vitest'
import { cliEnvironment } from '#cli-environment.ts'
import type { TestVault } from '#vault.ts'

/** A chat of a vault, and the environment of a command line that uses it. */
export interface TestChat {
  chatId: number
  env: Record<string, string>
  messages(): StoredMessage[]
  /** Whether the chat has messages with these part numbers, of any backup. */
  hasParts(...numbers: number[]): boolean
  /** The pinned document, opened. */
  index(): Promise<VaultIndex>
}

/** Makes another channel for the vault's bot. The catalog stays the same. */
export async function openChat(vault: TestVault): Promise<TestChat> {
  const { emulator, identity } = vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('The vault has no bot')
  const chat = emulator.createChat({ type: 'channel', title: 'Another', administrators: [{ bot }] })
  const messages = (): StoredMessage[] => emulator.inspect.messages(chat.id)
  return {
    chatId: chat.id,
    env: { ...(await cliEnvironment(vault)), TELEGRAM_CHAT_ID: String(chat.id) },
    messages,
    hasParts: (...numbers) =>
      numbers.every(number => messages().some(({ caption = '' }) => caption.includes(` part=${number} `))),
    index: async () => {
      const pinned = messages().findLast(message => message.pinned)
      if (pinned === undefined) throw new Error('Nothing is pinned')
      const bytes = await emulator.inspect.documentBytes(chat.id, pinned.message_id)
      return (await openIndex(bytes, { encrypted: true, identities: [identity] })).index
    },
  }
}

/** The catalog that the command line uses in that environment. */
export async function openCatalogOf(env: Record<string, string>): Promise<Database> {
  const database = await openDatabase({ dataDir: String(env['TELEGRAM_BACKUP_HOME']) })
  await migrate(database)
  return database
}

/**
 * Chat and catalog agree: no backup is being sent or erased, the catalog knows exactly the messages in the
 * chat, and the index lists the complete backups. Messages in `others` are not ours.
 */
export async function expectAtRest(
  chat: TestChat,
  database: Database,
  others: readonly number[] = [],
): Promise<void> {
  const { data } = await queryBackups(database, {})
  const here = data.filter(({ chat_id }) => chat_id === String(chat.chatId))
  expect(here.filter(({ state }) => state === 'sending' || state === 'erasing')).toEqual([])
  const known: number[] = []
  for (const { id } of here) {
    for (const row of await listMessages(database, id)) {
      if (row.chat_id === String(chat.chatId) && (row.state === 'sent' || row.state === 'tombstone'))
        known.push(Number(row.message_id))
    }
  }
  known.push(...(await evidenceOfChat(database, String(chat.chatId), 1_000)).map(row => row.message_id))
  const there = chat.messages().filter(message => !others.includes(message.message_id))
  const indexes = there.filter(({ caption = '' }) => /^telegram-backup 1 index /m.test(caption))
  expect(there.filter(message => !indexes.includes(message)).map(message => message.message_id)).toEqual(
    known.sort((a, b) => a - b),
  )
  expect(indexes.length).toBeLessThanOrEqual(1)
  const complete = here.filter(({ state }) => state === 'complete').map(({ id }) => id)
  if (complete.length === 0 && indexes.length === 0) return
  expect((await chat.index()).backups.map(({ id }) => id).sort()).toEqual(complete.sort())
}
