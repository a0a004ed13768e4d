import { type Database, openSends } from '@telegram-backup/database'
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { TestVault } from '#vault.ts'

/**
 * What must hold when no process works: the catalog knows exactly the messages in the chat, each part has one
 * message, and no lease is held.
 */
export async function expectNothingLost(
  { emulator }: TestVault,
  { database, chatId }: { database: Database; chatId: number },
): Promise<void> {
  const { rows } = await sql<{ message_id: number }>`
    SELECT message_id FROM control_plane.backup_parts WHERE state = 'sent' AND chat_id = ${String(chatId)}
    UNION ALL
    SELECT message_id FROM control_plane.pack_messages WHERE state = 'sent' AND chat_id = ${String(chatId)}
    UNION ALL
    SELECT message_id FROM control_plane.evidence_messages WHERE chat_id = ${String(chatId)}
    UNION ALL
    SELECT index_message_id FROM control_plane.chats
      WHERE index_message_id IS NOT NULL AND chat_id = ${String(chatId)}`.execute(database.kysely)
  const inChat = emulator.inspect
    .messages(chatId)
    .filter(({ caption }) => caption?.includes('\ntelegram-backup 1 '))
  const known = rows.map(row => Number(row.message_id)).sort((a, b) => a - b)
  expect(inChat.map(message => message.message_id)).toEqual(known)
  const lines = inChat.map(({ caption }) => caption?.split('\n').at(-1))
  expect(new Set(lines).size).toBe(lines.length)
  const leases = await sql`SELECT subject FROM control_plane.leases`.execute(database.kysely)
  expect(leases.rows).toEqual([])
}

/** The calls to these chats whose answer was lost, such as `part 3` and `manifest 0`. */
export async function openCalls(database: Database, ...chatIds: number[]): Promise<string[]> {
  const sends = await Promise.all(chatIds.map(chatId => openSends(database, { chatId: String(chatId) })))
  return sends.flat().map(({ purpose, partNumber }) => `${purpose} ${partNumber}`)
}
