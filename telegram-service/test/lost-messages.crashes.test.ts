import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  ensureIndex,
  type FindLostOptions,
  findLostMessages,
  type LookResult,
  lookAtMessage,
} from '#index.ts'
import { inTime } from '#test/late-calls.ts'
import { memoryVault } from '#test/memory-vault.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { type VaultChat, vaultChat } from '#test/vault-chat.ts'

const TYPES = ['channel', 'supergroup', 'group', 'private'] as const

describe.each(TYPES)('the search for lost messages in a %s', type => {
  test('finds what calls without an answer have made, and leaves nothing behind', async () => {
    const chat = await withIndex(type)
    const { client, emulator } = chat
    const parts = [1, 2, 0].map(partNumber => chat.intendPart({ partNumber }))
    emulator.faults.on('sendDocument', { calls: 3 }, { kind: 'answer-lost' })
    for (const part of parts)
      expect(await failureOf(chat.sendPart(part))).toMatchObject({ code: 'ANSWER_LOST' })
    const before = chat.alive()
    const { found, surplus, beyondLimit } = await find(chat)
    expect(found.map(({ open, messageId }) => [open.id, messageId])).toEqual(
      parts.map(({ send }, index) => [send.id, before[index + 1]]),
    )
    expect({ surplus, beyondLimit }).toEqual({ surplus: [], beyondLimit: false })
    expect(chat.alive()).toEqual(before)
    expect(chat.open()).toEqual(['part 1', 'part 2', 'manifest 0'])
    for (const { fileId, size, open } of found) {
      expect(await client.downloadFile(fileId, { maxBytes: size })).toMatchObject({ sha256: open.sha256 })
    }
  })

  test('removes the copy that a look has left behind, and nothing that people forwarded', async () => {
    const chat = await withIndex(type)
    const { client, vault, emulator } = chat
    const known = await chat.sendPart(chat.intendPart())
    vault.open.clear()
    vault.known.add(known.messageId)
    const theirs = await emulator.asHuman.post(chat.chatId, { text: 'hello' })
    emulator.faults.on('forwardMessage', {}, { kind: 'answer-lost' })
    await lookAtMessage(client, vault, { chatId: chat.chat, messageId: known.messageId })
    expect(chat.open()).toEqual(['copy'])
    const before = chat.alive()
    await find(chat)
    expect(chat.open()).toEqual([])
    expect(chat.alive()).toEqual(before.filter(id => id <= theirs))
  })

  test('leaves alone what people have copied word by word, also when what a lost copy was made of is gone', async () => {
    const chat = await withIndex(type)
    const { client, vault, emulator, chatId } = chat
    const { bytes, caption, ...part } = chat.intendPart()
    const { messageId } = await chat.sendPart({ bytes, caption, ...part })
    const look = await vault.beginCopy({ chatId: chat.chat, botId: client.botId, sourceMessageId: messageId })
    vault.open.delete(part.send.id)
    const document = { fileName: 'part.zst', bytes }
    const theirs = await emulator.asHuman.post(chatId, { caption, document })
    emulator.asHuman.deleteMessage(chatId, messageId)
    const before = chat.alive()
    await find(chat)
    expect(chat.alive()).toEqual(before)
    expect(before).toContain(theirs)
    expect([...vault.open.keys()]).toEqual([look.sendId])
  })

  test('looks above a forward of its own whose answer was lost', async () => {
    const chat = await withIndex(type)
    const { emulator } = chat
    const part = chat.intendPart()
    emulator.faults.on('sendDocument', {}, { kind: 'answer-lost' })
    await failureOf(chat.sendPart(part))
    const before = chat.alive()
    emulator.faults.on('forwardMessage', { call: 2 }, { kind: 'answer-lost' })
    const { found } = await find(chat)
    expect(found).toMatchObject([{ messageId: before.at(-1) }])
    expect(chat.alive()).toEqual(before)
    expect(chat.open()).toEqual(['part 1'])
  })
})

describe('the search for lost messages', () => {
  test('keeps a copy that can be deleted no more, and stumbles over it no second time', async () => {
    const chat = await withIndex()
    const { client, vault, emulator } = chat
    const known = await chat.sendPart(chat.intendPart())
    vault.open.clear()
    vault.known.add(known.messageId)
    emulator.faults.on('forwardMessage', {}, { kind: 'answer-lost' })
    emulator.faults.on(
      'forwardMessage',
      { call: 2, calls: 2 },
      { kind: 'error', errorCode: 500, description: 'Internal Server Error' },
    )
    await failureOf(lookAtMessage(client, vault, { chatId: chat.chat, messageId: known.messageId }))
    const copy = chat.alive().at(-1) ?? 0
    emulator.clock.advance(49 * 3600 * 1000)
    await find(chat)
    expect(vault.known).toContain(copy)
    expect(chat.alive()).toContain(copy)
    expect(await find(chat)).toMatchObject({ found: [], surplus: [] })
  })

  test('asks the chat nothing when nothing is open', async () => {
    const chat = await withIndex()
    const calls = chat.emulator.inspect.calls()
    expect(await find(chat)).toMatchObject({ found: [], seen: 0, beyondLimit: false })
    expect(chat.emulator.inspect.calls()).toBe(calls)
  })

  test('gives up no send that was not found, and looks only above what it has seen', async () => {
    await inTime(async ms => {
      const chat = await withIndex()
      const { emulator } = chat
      const part = chat.intendPart()
      emulator.faults.on('sendDocument', {}, { kind: 'late', ms })
      await failureOf(chat.sendPart(part))
      const theirs = await emulator.asHuman.post(chat.chatId, { text: 'hello' })
      const first = await find(chat)
      if (chat.alive().at(-1) !== theirs) return false
      expect(first).toMatchObject({ found: [] })
      expect(chat.open()).toEqual(['part 1'])
      await expect.poll(() => emulator.inspect.lateCalls()).toBe(0)
      const { found, seen } = await find(chat)
      expect(found).toMatchObject([{ open: { id: part.send.id }, messageId: chat.alive().at(-1) }])
      expect(seen).toBeLessThanOrEqual(2)
      return true
    })
  })

  test('is not taken in by a caption: the bytes decide', async () => {
    const chat = await withIndex()
    const { emulator } = chat
    const part = chat.intendPart()
    const document = { fileName: 'part.zst', bytes: Buffer.alloc(part.bytes.length) }
    const forged = await emulator.asHuman.post(chat.chatId, { caption: part.caption, document })
    const { found, surplus } = await find(chat)
    expect(found).toEqual([])
    expect(surplus).toMatchObject([{ messageId: forged, reason: expect.stringContaining('bytes') }])
    expect(chat.alive()).toContain(forged)
  })

  test('finds both of two sends of one part, the lowest id first, and leaves a third alone', async () => {
    const chat = await withIndex()
    const first = chat.intendPart()
    const { id: _, ...again } = first.send
    const second = chat.vault.intend(again)
    const sent = []
    for (let copies = 0; copies < 3; copies++) sent.push((await chat.sendPart(first)).messageId)
    const { found, surplus } = await find(chat)
    expect(found.map(({ messageId }) => messageId)).toEqual(sent.slice(0, 2))
    expect(new Set(found.map(({ open }) => open.id))).toEqual(new Set([first.send.id, second.id]))
    expect(surplus).toMatchObject([{ messageId: sent[2] }])
    expect(chat.alive()).toEqual(expect.arrayContaining(sent))
  })

  test('of one backup leaves the sends of others alone', async () => {
    const chat = await withIndex()
    const [mine, theirs] = [chat.intendPart(), chat.intendPart()]
    await chat.sendPart(theirs)
    const { messageId } = await chat.sendPart(mine)
    const { found } = await find(chat, { backupId: mine.send.backupId })
    expect(found.map(one => one.messageId)).toEqual([messageId])
    expect(chat.vault.open.get(theirs.send.id)?.afterMessageId).toBe(theirs.send.afterMessageId)
    expect(await find(chat, { backupId: null })).toMatchObject({ found: [] })
  })

  test('goes on where the limit ended it', async () => {
    const chat = await withIndex()
    const part = chat.intendPart()
    for (let posts = 0; posts < 7; posts++) await chat.emulator.asHuman.post(chat.chatId, { text: 'hello' })
    const { messageId } = await chat.sendPart(part)
    expect(await find(chat, { limit: 5 })).toMatchObject({ found: [], seen: 5, beyondLimit: true })
    expect(await find(chat, { limit: 50 })).toMatchObject({ found: [{ messageId }], beyondLimit: false })
  })

  test('tells that there was more to look at, also when it looked for a forward of its own in the end', async () => {
    const chat = await withIndex()
    const part = chat.intendPart()
    for (let posts = 0; posts < 7; posts++) await chat.emulator.asHuman.post(chat.chatId, { text: 'hello' })
    chat.emulator.faults.on('forwardMessage', { call: 1 }, { kind: 'answer-lost' })
    const looks: [string, boolean | undefined][] = []
    const { looked } = chat.vault
    chat.vault.looked = async (sendId, seen) => {
      looks.push([sendId, seen.hasMore])
      await looked(sendId, seen)
    }
    expect(await find(chat, { limit: 5 })).toMatchObject({ found: [], seen: 5, beyondLimit: true })
    expect(looks).toContainEqual([part.send.id, true])
    expect(await find(chat, { limit: 50 })).toMatchObject({ beyondLimit: false })
    expect(looks).toContainEqual([part.send.id, false])
  })

  test('looks far above what it knows without counting up to there', async () => {
    const chat = await withIndex()
    const { id, afterMessageId } = chat.intendPart().send
    const { client } = chat
    const far = 10_000_000_000
    const away: typeof client = {
      ...client,
      botId: client.botId,
      forwardMessage: async (...call) => ({ ...(await client.forwardMessage(...call)), messageId: far }),
      messageExists: async () => 'gone',
    }
    const result = await findLostMessages(away, chat.vault, { chatId: chat.chat, limit: 5 })
    expect(result).toMatchObject({ newestMessageId: far, seen: 5, beyondLimit: true })
    expect(chat.vault.open.get(id)?.afterMessageId).toBe(afterMessageId + 5)
  })

  test('of a run leaves its calls alone that are under way', async () => {
    const chat = await withIndex()
    const backupId = randomUUID()
    const [lost, underWay] = [1, 2].map(partNumber => chat.intendPart({ backupId, partNumber }))
    if (lost === undefined || underWay === undefined) throw new Error('two parts')
    const { messageId } = await chat.sendPart(lost)
    await chat.sendPart(underWay)
    const sendIds = new Set([lost.send.id])
    const { afterMessageId } = underWay.send
    const { found } = await find(chat, { backupId, sendIds })
    expect(found.map(one => one.messageId)).toEqual([messageId])
    await chat.client.deleteMessage(chat.chat, messageId)
    expect(await find(chat, { backupId, sendIds })).toMatchObject({ found: [] })
    expect(chat.vault.open.get(lost.send.id)?.afterMessageId).toBeGreaterThan(messageId)
    expect(chat.vault.open.get(underWay.send.id)?.afterMessageId).toBe(afterMessageId)
  })

  test('of a chat that nobody knew looks at the newest messages', async () => {
    const chat = await vaultChat()
    for (let posts = 0; posts < 30; posts++) await chat.emulator.asHuman.post(chat.chatId, { text: 'hello' })
    const { messageId } = await chat.sendPart(chat.intendPart())
    const result = await find(chat, { limit: 5 })
    expect(result).toMatchObject({ found: [{ messageId }], seen: 5 })
    expect(chat.alive()).toHaveLength(31)
    expect(chat.open()).toEqual(['part 1'])
  })

  test('removes a text that was sent to learn the newest id and was not heard of', async () => {
    const chat = await vaultChat()
    chat.intendPart()
    chat.emulator.faults.on('sendMessage', {}, { kind: 'answer-lost' })
    await find(chat)
    expect(chat.alive()).toEqual([])
    expect(chat.open()).toEqual(['part 1'])
  })

  test('refuses a chat whose index has become another catalog’s', async () => {
    const chat = await withIndex()
    const { vault, client, emulator } = chat
    const other = memoryVault({ catalogId: randomUUID(), generation: 1 })
    const { index } = await vault.knownChat(chat.chat)
    const { messageId } = index as NonNullable<typeof index>
    emulator.asHuman.deleteMessage(chat.chatId, messageId)
    const theirs = await ensureIndex(client, other, chat.indexOptions)
    const known = vault.chats.get(chat.chat)
    if (known?.index) known.index.messageId = theirs.messageId
    chat.intendPart()
    expect(await failureOf(find(chat))).toMatchObject({ code: 'CONFIGURATION' })
  })

  test('keeps the row of a copy that cannot be deleted', async () => {
    const chat = await withIndex()
    chat.intendPart()
    const error = {
      kind: 'error',
      errorCode: 400,
      description: "Bad Request: message can't be deleted",
    } as const
    chat.emulator.faults.on('deleteMessage', {}, error)
    expect(await failureOf(find(chat))).toMatchObject({ code: 'REFUSED' })
    expect(chat.open()).toEqual(['part 1', 'copy'])
    await find(chat)
    expect(chat.open()).toEqual(['part 1'])
    expect(chat.alive()).toHaveLength(1)
  })
})

async function withIndex(type: Parameters<typeof vaultChat>[0] = 'channel'): Promise<VaultChat> {
  const chat = await vaultChat(type)
  await ensureIndex(chat.client, chat.vault, chat.indexOptions)
  return chat
}

function find(
  { client, vault, chat }: VaultChat,
  options: Omit<FindLostOptions, 'chatId'> = {},
): Promise<LookResult> {
  return findLostMessages(client, vault, { chatId: chat, ...options })
}
