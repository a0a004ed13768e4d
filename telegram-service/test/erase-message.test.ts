import { describe, expect, test } from 'vitest'
import { type EraseMessageOptions, eraseMessage, followMovedChat, parseCaption, renewFileId } from '#index.ts'
import { CATALOG_ID } from '#test/memory-vault.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { type VaultChat, vaultChat } from '#test/vault-chat.ts'

const DAYS_MS = 24 * 3600 * 1000

describe.each(['channel', 'supergroup', 'group', 'private'] as const)('a message of ours in a %s', type => {
  test('is deleted while Telegram allows it; again, it counts as deleted', async () => {
    const { chat, erase } = await withPart(type)
    expect(await eraseMessage(chat.client, erase)).toEqual({ outcome: 'erased' })
    expect(chat.alive()).toEqual([])
    expect(await eraseMessage(chat.client, erase)).toEqual({ outcome: 'erased' })
  })

  test('is replaced by a tombstone after 48 hours, as often as it is asked', async () => {
    const { chat, erase, backupId } = await withPart(type)
    chat.emulator.clock.advance(3 * DAYS_MS)
    expect(await eraseMessage(chat.client, erase)).toEqual({ outcome: 'tombstone' })
    expect(await eraseMessage(chat.client, erase)).toEqual({ outcome: 'tombstone' })
    const [message] = chat.messages().filter(one => one.message_id === erase.messageId)
    const { caption, document } = message ?? chat.emulator.inspect.messages(chat.chatId)[0] ?? {}
    expect(document?.file_size).toBeLessThan(20)
    expect(parseCaption(caption)).toEqual({
      kind: 'tombstone',
      backupId,
      partNumber: 3,
      catalog: { id: CATALOG_ID, generation: 1 },
    })
  })
})

describe('a message of ours', () => {
  test('that can be neither deleted nor replaced is kept, with the reason', async () => {
    const { chat, erase } = await withPart('channel')
    chat.emulator.asHuman.promote(
      chat.chatId,
      { id: chat.botId },
      { can_delete_messages: false, can_edit_messages: false, can_post_messages: false },
    )
    expect(await eraseMessage(chat.client, erase)).toEqual({
      outcome: 'kept',
      reason: expect.stringContaining("can't be edited"),
    })
    expect(chat.alive()).toEqual([erase.messageId])
  })

  test('in a chat that the bot was thrown out of says so by an error, not as gone', async () => {
    const { chat, erase } = await withPart('channel')
    chat.emulator.asHuman.kick(chat.chatId, { id: chat.botId })
    expect(await failureOf(eraseMessage(chat.client, erase))).toMatchObject({ code: 'CONFIGURATION' })
  })

  test('of another bot gets a file id of this one by being forwarded, and no copy stays', async () => {
    const { chat, erase, bytes, sha256 } = await withPart('channel')
    const bot = chat.emulator.createBot({ username: 'the_next_bot' })
    chat.emulator.asHuman.promote(chat.chatId, bot)
    const client = chat.createClient({ token: bot.token })
    const { chatId, messageId } = erase
    const expected = { size: bytes.length, sha256 }
    const { fileId } = await renewFileId(client, chat.vault, { chatId, messageId, expected })
    expect(await client.downloadFile(fileId, { maxBytes: bytes.length })).toEqual({ bytes, sha256 })
    expect(chat.alive()).toEqual([messageId])
    expect(chat.open()).toEqual([])

    const other = { size: bytes.length, sha256: 'ab'.repeat(32) }
    expect(
      await failureOf(renewFileId(client, chat.vault, { chatId, messageId, expected: other })),
    ).toMatchObject({
      code: 'INTEGRITY',
    })
    chat.emulator.asHuman.deleteMessage(chat.chatId, messageId)
    expect(await failureOf(renewFileId(client, chat.vault, { chatId, messageId, expected }))).toMatchObject({
      code: 'INTEGRITY',
    })
    expect(chat.open()).toEqual([])
  })
})

describe('a group that has become a supergroup', () => {
  test('is followed once, and the way is remembered', async () => {
    const chat = await vaultChat('group')
    const { client, vault, emulator } = chat
    expect(await followMovedChat(client, vault, chat.chat)).toBe(chat.chat)
    const moved = String(await emulator.asHuman.migrate(chat.chatId))
    expect(await followMovedChat(client, vault, chat.chat)).toBe(moved)
    const calls = emulator.inspect.calls()
    expect(await followMovedChat(client, vault, chat.chat)).toBe(moved)
    expect(emulator.inspect.calls()).toBe(calls)
    expect(await failureOf(client.sendText(chat.chat, 'hello'))).toMatchObject({
      code: 'CONFIGURATION',
      movedTo: moved,
    })
  })

  test('is all that can move: channels are not even asked', async () => {
    const chat = await vaultChat('channel')
    const calls = chat.emulator.inspect.calls()
    expect(await followMovedChat(chat.client, chat.vault, chat.chat)).toBe(chat.chat)
    expect(await followMovedChat(chat.client, chat.vault, '@vault')).toBe('@vault')
    expect(chat.emulator.inspect.calls()).toBe(calls)
  })
})

async function withPart(
  type: Parameters<typeof vaultChat>[0],
): Promise<{ chat: VaultChat; erase: EraseMessageOptions; backupId: string; bytes: Buffer; sha256: string }> {
  const chat = await vaultChat(type)
  const part = chat.intendPart({ partNumber: 3 })
  chat.vault.open.clear()
  const { messageId } = await chat.sendPart(part)
  const { backupId, sha256 } = part.send
  if (backupId === null || sha256 === null) throw new Error('a part has both')
  const tombstone = { backupId, kind: 'part' as const, partNumber: 3, catalogId: CATALOG_ID, generation: 1 }
  return { chat, erase: { chatId: chat.chat, messageId, tombstone }, backupId, bytes: part.bytes, sha256 }
}
