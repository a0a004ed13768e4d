import { describe, expect, test } from 'vitest'
import { ensureIndex, readPinnedIndex, refreshIndex } from '#index.ts'
import { inTime } from '#test/late-calls.ts'
import { CATALOG_ID, memoryVault } from '#test/memory-vault.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { vaultChat } from '#test/vault-chat.ts'

const BACKUP = {
  id: '0b6f6a52-3d0c-4f7e-8a53-5d2f6f0f9a11',
  project: 'shop',
  type: 'database',
  filename: 'shop_database_20261124T053300Z_0b6f6a52.sql',
  state: 'complete' as const,
  createdAt: '2026-11-24T05:33:00.000Z',
  completedAt: '2026-11-24T05:34:00.000Z',
  expiresAt: '2026-12-24T05:33:00.000Z',
  plainSize: 5,
  plainSha256: 'ab'.repeat(32),
  archiveSize: 7,
  partCount: 1,
  encrypted: true,
  restoreCount: 0,
  manifest: { messageId: 12, fileId: 'file', size: 3, sha256: 'cd'.repeat(32) },
  partMessages: [11],
  history: [],
}

describe.each(['channel', 'supergroup', 'group', 'private'] as const)('the index of a %s', type => {
  test('is made once, pinned, signed, and replaced in place when the catalog says something else', async () => {
    const chat = await vaultChat(type)
    const { client, vault, indexOptions, emulator } = chat
    const made = await ensureIndex(client, vault, indexOptions)
    expect(await ensureIndex(client, vault, indexOptions)).toEqual(made)
    expect(await readPinnedIndex(client, chat.chat)).toMatchObject({
      kind: 'index',
      messageId: made.messageId,
      caption: { catalog: { id: CATALOG_ID, generation: 1 }, edition: made.edition },
    })
    expect(await refreshIndex(client, vault, indexOptions)).toMatchObject({ outcome: 'unchanged' })
    expect(emulator.inspect.calls('editMessageMedia')).toBe(0)

    vault.backups.push(BACKUP)
    const refreshed = await refreshIndex(client, vault, indexOptions)
    expect(refreshed).toEqual({ outcome: 'replaced', messageId: made.messageId })
    const { index } = await vault.knownChat(chat.chat)
    expect(await chat.readIndex(made.messageId)).toMatchObject({
      edition: index?.edition,
      catalogId: CATALOG_ID,
      backups: [BACKUP],
    })
    expect(chat.alive()).toEqual([made.messageId])
    expect(chat.open()).toEqual([])
  })

  test('is found again and pinned when the answer to its first send was lost', async () => {
    const chat = await vaultChat(type)
    const { client, vault, indexOptions, emulator } = chat
    emulator.faults.on('sendDocument', {}, { kind: 'answer-lost' })
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    expect(chat.alive()).toEqual([messageId])
    expect(await readPinnedIndex(client, chat.chat)).toMatchObject({ kind: 'index', messageId })
    expect(chat.open()).toEqual([])
    // What it says was not written down; so it is drawn once more.
    expect(await refreshIndex(client, vault, indexOptions)).toEqual({ outcome: 'replaced', messageId })
  })
})

describe('the index of a chat', () => {
  test('is the one that was pinned when the run died before it wrote that down', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions } = chat
    const dying = { ...vault, confirmIndex: () => Promise.reject(new Error('killed')) }
    await expect(ensureIndex(client, dying, indexOptions)).rejects.toThrow('killed')
    const [messageId] = chat.alive()
    await expect(refreshIndex(client, vault, indexOptions)).resolves.toMatchObject({ messageId })
    expect(chat.alive()).toEqual([messageId])
    expect(chat.open()).toEqual([])
  })

  test('is sent anew when its message was deleted, and counts on', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions, emulator } = chat
    const first = await ensureIndex(client, vault, indexOptions)
    vault.backups.push(BACKUP)
    await refreshIndex(client, vault, indexOptions)
    emulator.asHuman.deleteMessage(chat.chatId, first.messageId)
    const { outcome, messageId } = await refreshIndex(client, vault, indexOptions)
    expect(outcome).toBe('made')
    expect(chat.alive()).toEqual([messageId])
    expect((await vault.knownChat(chat.chat)).index?.edition).toMatch(/^3-/)
    expect(await readPinnedIndex(client, chat.chat)).toMatchObject({ kind: 'index', messageId })
    expect(chat.open()).toEqual([])
  })

  test('is sent anew below hundreds of messages that nobody can forward, without trying it with each of them', async () => {
    const chat = await vaultChat('supergroup')
    const { client, vault, indexOptions, emulator } = chat
    const first = await ensureIndex(client, vault, indexOptions)
    const post = await emulator.asHuman.post(chat.chatId, { text: 'hello' })
    for (let number = 0; number < 100; number++) emulator.asHuman.pin(chat.chatId, post)
    emulator.asHuman.unpin(chat.chatId)
    emulator.asHuman.deleteMessage(chat.chatId, first.messageId)
    const before = emulator.inspect.calls('forwardMessage')
    expect(await refreshIndex(client, vault, indexOptions)).toMatchObject({ outcome: 'made' })
    expect(emulator.inspect.calls('forwardMessage') - before).toBeLessThan(70)
  })

  test('is pinned when the answer was lost and the server then refuses to pin it twice', async () => {
    const { client, vault, indexOptions, emulator, chat } = await vaultChat()
    const refused = { kind: 'error', errorCode: 400, description: 'Bad Request: CHAT_NOT_MODIFIED' } as const
    emulator.faults.on('pinChatMessage', {}, { kind: 'answer-lost' })
    emulator.faults.on('pinChatMessage', { call: 2 }, refused)
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    expect(await readPinnedIndex(client, chat)).toMatchObject({ kind: 'index', messageId })
  })

  test('that the server refuses to pin for any other reason is an error', async () => {
    const { client, vault, indexOptions, emulator } = await vaultChat()
    const refused = { kind: 'error', errorCode: 400, description: 'Bad Request: SOMETHING_ELSE' } as const
    emulator.faults.on('pinChatMessage', {}, refused)
    expect(await failureOf(ensureIndex(client, vault, indexOptions))).toMatchObject({ code: 'REFUSED' })
  })

  test('is pinned again when somebody unpinned it, and not over and over under a newer pin', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions, emulator } = chat
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    emulator.asHuman.unpin(chat.chatId)
    await refreshIndex(client, vault, indexOptions)
    expect(await readPinnedIndex(client, chat.chat)).toMatchObject({ kind: 'index', messageId })

    const theirs = await emulator.asHuman.post(chat.chatId, { text: 'rules of the house' })
    emulator.asHuman.pin(chat.chatId, theirs)
    const pins = emulator.inspect.calls('pinChatMessage')
    vault.backups.push(BACKUP)
    expect(await refreshIndex(client, vault, indexOptions)).toEqual({ outcome: 'replaced', messageId })
    expect(emulator.inspect.calls('pinChatMessage')).toBe(pins)
    expect(chat.alive()).toEqual([messageId, theirs])
  })

  test('is written again after an edit whose answer was lost for good', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions, emulator } = chat
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    vault.backups.push(BACKUP)
    emulator.faults.on('editMessageMedia', { calls: 4 }, { kind: 'answer-lost' })
    expect(await failureOf(refreshIndex(client, vault, indexOptions))).toMatchObject({ code: 'ANSWER_LOST' })
    vault.backups.pop()
    await refreshIndex(client, vault, indexOptions)
    expect((await chat.readIndex(messageId)).backups).toEqual([])
  })

  test('is ours also when an edition of before comes late', async () => {
    await inTime(async ms => {
      const chat = await vaultChat()
      const { client, vault, indexOptions, emulator } = chat
      const { messageId } = await ensureIndex(client, vault, indexOptions)
      vault.backups.push(BACKUP)
      emulator.faults.on('editMessageMedia', { calls: 4 }, { kind: 'late', ms })
      await failureOf(refreshIndex(client, vault, indexOptions))
      await refreshIndex(client, vault, indexOptions)
      if (emulator.inspect.lateCalls() === 0) return false
      const { index } = await vault.knownChat(chat.chat)
      await expect.poll(() => emulator.inspect.lateCalls()).toBe(0)
      const late = await readPinnedIndex(client, chat.chat)
      expect(late.kind === 'index' && late.caption.edition).not.toBe(index?.edition)
      expect(await refreshIndex(client, vault, indexOptions)).toEqual({ outcome: 'replaced', messageId })
      expect((await chat.readIndex(messageId)).backups).toEqual([BACKUP])
      return true
    })
  })

  test('is removed again when one of the last messages is of another catalog', async () => {
    const chat = await vaultChat()
    const { client, indexOptions } = chat
    const other = memoryVault({ catalogId: 'f00f0c9e-5f0e-4a53-9b6d-0d9b3f5f9c11', generation: 1 })
    const { messageId } = await chat.sendPart(chat.intendPart())
    expect(await failureOf(ensureIndex(client, other, indexOptions))).toMatchObject({
      code: 'CONFIGURATION',
      hint: expect.stringContaining('telegram-backup recover'),
    })
    expect(chat.alive()).toEqual([messageId])
    expect([...other.open]).toEqual([])
    expect(await readPinnedIndex(client, chat.chat)).toEqual({ kind: 'none' })
  })

  test('of a bot that may not pin stays unpinned', async () => {
    const chat = await vaultChat('supergroup')
    const { client, vault, indexOptions, emulator, botId } = chat
    emulator.asHuman.promote(chat.chatId, { id: botId }, { can_pin_messages: false })
    const { messageId } = await ensureIndex(client, vault, indexOptions)
    vault.backups.push(BACKUP)
    expect(await refreshIndex(client, vault, indexOptions)).toEqual({ outcome: 'replaced', messageId })
    expect(chat.open()).toEqual([])
  })

  test.each(['channel', 'supergroup'] as const)('of another bot in a %s goes on with ours', async type => {
    const chat = await vaultChat(type)
    const { vault, indexOptions, emulator } = chat
    const first = await ensureIndex(chat.client, vault, indexOptions)
    const bot = emulator.createBot({ username: 'the_next_bot' })
    emulator.asHuman.promote(chat.chatId, bot)
    const client = chat.createClient({ token: bot.token })
    vault.backups.push(BACKUP)
    const { outcome, messageId } = await refreshIndex(client, vault, indexOptions)
    expect(outcome).toBe(type === 'channel' ? 'replaced' : 'made')
    expect(messageId === first.messageId).toBe(type === 'channel')
    expect(chat.alive()).toEqual([messageId])
    expect((await vault.knownChat(chat.chat)).index).toMatchObject({ messageId, botId: String(bot.id) })
    expect(await readPinnedIndex(client, chat.chat)).toMatchObject({ kind: 'index', messageId })
    expect((await chat.readIndex(messageId)).backups).toEqual([BACKUP])
  })

  test('is written by one at a time, whoever else refreshes it', async () => {
    const chat = await vaultChat()
    const { client, vault, indexOptions } = chat
    const refreshed = await Promise.all(
      Array.from({ length: 5 }, (_, number) => {
        vault.backups.push({ ...BACKUP, id: BACKUP.id.replace(/.$/, String(number)) })
        return refreshIndex(client, vault, indexOptions)
      }),
    )
    const ids = new Set(refreshed.map(({ messageId }) => messageId))
    expect(chat.alive()).toEqual([...ids])
    expect((await chat.readIndex([...ids][0] as number)).backups).toHaveLength(5)
  })
})
