import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  checkChatAccess,
  ensureIndex,
  guardChat,
  type PinnedIndex,
  refreshIndex,
  type VaultLedger,
} from '#index.ts'
import { CATALOG_ID, memoryVault } from '#test/memory-vault.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { type VaultChat, vaultChat } from '#test/vault-chat.ts'

describe('the guard of a chat', () => {
  test('lets in the catalog whose index is pinned, before and after each edition', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions } = chat
    expect(await guard(chat)).toEqual({ kind: 'none' })
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    expect(await guard(chat)).toMatchObject({ kind: 'index', messageId })
    await edit(chat, vault)
    expect(await guard(chat)).toMatchObject({ kind: 'index', messageId })
  })

  test('refuses another catalog, and one that has taken the chat over, without sending anything', async () => {
    const chat = await vaultChat()
    const { client, indexOptions } = chat
    const other = memoryVault({ catalogId: CATALOG_ID, generation: 2 })
    await ensureIndex(client, other, indexOptions)
    const before = chat.alive()
    for (const stranger of [memoryVault(), memoryVault({ catalogId: randomUUID(), generation: 3 })]) {
      expect(await failureOf(guard(chat, stranger))).toMatchObject({
        code: 'CONFIGURATION',
        hint: expect.stringContaining('telegram-backup recover'),
      })
      expect(await failureOf(refresh(chat, stranger))).toMatchObject({ code: 'CONFIGURATION' })
    }
    expect(chat.alive()).toEqual(before)
  })

  test('lets in a newer generation of the catalog, whose index replaces the old one', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions } = chat
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    const next = memoryVault({ catalogId: CATALOG_ID, generation: 2 })
    next.chats.set(chat.chat, structuredClone(await vault.knownChat(chat.chat)))
    expect(await guard(chat, next)).toMatchObject({ kind: 'index', messageId })
    expect(await refresh(chat, next)).toEqual({ outcome: 'replaced', messageId })
    expect(await failureOf(guard(chat))).toMatchObject({ code: 'CONFIGURATION' })
    expect(await failureOf(refresh(chat))).toMatchObject({ code: 'CONFIGURATION' })
  })

  test('refuses a copy of the catalog as soon as the other one goes on', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions } = chat
    await ensureIndex(client, vault, indexOptions)
    const twin = vault.copy()
    expect(await guard(chat, twin)).toMatchObject({ kind: 'index' })
    await edit(chat, vault)
    expect(await failureOf(guard(chat, twin))).toMatchObject({ code: 'CONFIGURATION' })
    expect(await failureOf(edit(chat, twin))).toMatchObject({ code: 'CONFIGURATION' })
    expect(await guard(chat)).toMatchObject({ kind: 'index' })
  })

  test('refuses an index of its own generation that another machine began, however little that one counts', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions, emulator } = chat
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    await edit(chat, vault)
    emulator.asHuman.deleteMessage(chat.chatId, messageId)
    const other = memoryVault()
    await ensureIndex(client, other, indexOptions)
    const before = chat.alive()
    expect(await failureOf(guard(chat))).toMatchObject({ code: 'CONFIGURATION' })
    expect(await failureOf(edit(chat, vault))).toMatchObject({ code: 'CONFIGURATION' })
    expect(chat.alive()).toEqual(before)
    expect(await guard(chat, other)).toMatchObject({ kind: 'index' })
  })

  test('sees a copy of the catalog also under a pin of people’s, before the index is overwritten', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions, emulator } = chat
    await ensureIndex(client, vault, indexOptions)
    const twin = vault.copy()
    await edit(chat, vault)
    emulator.asHuman.pin(chat.chatId, await emulator.asHuman.post(chat.chatId, { text: 'hello' }))
    expect(await guard(chat, twin)).toMatchObject({ kind: 'foreign' })
    expect(await failureOf(edit(chat, twin))).toMatchObject({ code: 'CONFIGURATION' })
    expect(await refresh(chat)).toMatchObject({ outcome: 'replaced' })
  })

  test('reads again under the lock what another process of the catalog has just replaced', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions } = chat
    await ensureIndex(client, vault, indexOptions)
    const stale = await checkChatAccess(client, chat.chat)
    await edit(chat, vault)
    const { index } = await vault.knownChat(chat.chat)
    const behind = { ...vault.copy(), knownChat: vault.knownChat }
    // Between the two reads of the one guard, the other has gone on.
    const answers = [{ newestMessageId: 0 }, await vault.knownChat(chat.chat)]
    const late: VaultLedger = { ...behind, knownChat: async () => answers.shift() ?? { newestMessageId: 0 } }
    expect(await guardChat(client, late, stale)).toMatchObject({ caption: { edition: index?.edition } })
  })

  test('takes a forwarded index for what it is: talk', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions, emulator, botId } = chat
    const elsewhere = emulator.createChat({
      type: 'channel',
      title: 'Elsewhere',
      administrators: [{ bot: { id: botId } }],
    })
    const options = { ...indexOptions, chatId: String(elsewhere.id) }
    const { messageId } = await ensureIndex(
      client,
      memoryVault({ catalogId: randomUUID(), generation: 1 }),
      options,
    )
    const forwarded = await client.forwardMessage(chat.chat, options.chatId, messageId)
    emulator.asHuman.pin(chat.chatId, forwarded.messageId)
    expect(await guard(chat, vault)).toMatchObject({ kind: 'foreign' })
    // A first index looks at the messages before it; the forwarded one does not speak for this chat.
    await expect(ensureIndex(client, vault, indexOptions)).resolves.toMatchObject({
      edition: expect.any(String),
    })
  })
})

async function guard(chat: VaultChat, vault: VaultLedger = chat.vault): Promise<PinnedIndex> {
  return guardChat(chat.client, vault, await checkChatAccess(chat.client, chat.chat))
}

function refresh(chat: VaultChat, vault: VaultLedger = chat.vault): ReturnType<typeof refreshIndex> {
  return refreshIndex(chat.client, vault, chat.indexOptions)
}

/** Has the catalog say something else, and the index say it. */
async function edit(chat: VaultChat, vault: VaultLedger): Promise<void> {
  const drawing = await vault.drawIndex(chat.chat)
  await refresh(chat, { ...vault, drawIndex: async () => ({ ...drawing, signers: [randomUUID()] }) })
}
