import { describe, expect, test } from 'vitest'
import {
  ensureIndex,
  eraseMessage,
  findLostMessages,
  readPinnedIndex,
  refreshIndex,
  TelegramError,
} from '#index.ts'
import { CATALOG_ID } from '#test/memory-vault.ts'
import { type IntendedPart, type VaultChat, vaultChat } from '#test/vault-chat.ts'

const PARTS = 4

describe.each(['channel', 'group'] as const)('on a network that breaks anywhere, a %s', type => {
  test.each(Array.from({ length: 8 }, (_, index) => index + 1))(
    'ends with one message for each part and an index that is true (seed %i)',
    async seed => {
      const chat = await vaultChat(type)
      const { client, vault, emulator, indexOptions } = chat
      // In a group nothing tells a lost copy of what people wrote from what they wrote again; it would stay.
      const theirs = type === 'group' ? [] : [await emulator.asHuman.post(chat.chatId, { text: 'hello' })]
      emulator.faults.atRandom({
        seed,
        probability: 0.35,
        kinds: [
          { kind: 'answer-lost' },
          { kind: 'late', ms: 30 },
          { kind: 'status', status: 502, html: true },
          { kind: 'reset-before' },
        ],
      })
      const parts = Array.from({ length: PARTS }, (_, index) => chat.intendPart({ partNumber: index + 1 }))
      const messages = new Map<number, number>()
      await attempt(() => ensureIndex(client, vault, indexOptions))
      for (const part of parts) await attempt(() => sendOnce(chat, part, messages))
      await attempt(() => refreshIndex(client, vault, indexOptions))
      await attempt(() => findMessages(chat, parts, messages))

      emulator.faults.clear()
      await expect.poll(() => emulator.inspect.lateCalls()).toBe(0)
      await findMessages(chat, parts, messages)
      const { messageId } = await refreshIndex(client, vault, indexOptions)
      await findMessages(chat, parts, messages)
      expect(chat.alive().sort(ascending)).toEqual(
        [...theirs, messageId, ...messages.values()].sort(ascending),
      )
      expect(await readPinnedIndex(client, chat.chat)).toMatchObject({ kind: 'index', messageId })
      expect(await refreshIndex(client, vault, indexOptions)).toEqual({ outcome: 'unchanged', messageId })
      const unsent = parts.filter(({ send }) => !messages.has(send.partNumber ?? 0))
      expect(chat.open().filter(open => open.startsWith('part'))).toHaveLength(unsent.length)
    },
  )
})

/** As a run that gives up where the network does. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  await work().catch((error: unknown) => {
    if (!(error instanceof TelegramError)) throw error
  })
}

async function sendOnce(chat: VaultChat, part: IntendedPart, messages: Map<number, number>): Promise<void> {
  const { messageId } = await chat.sendPart(part)
  confirm(chat, { part, messageId, messages })
}

/** Adopts what is found; of two the lowest id. */
async function findMessages(
  chat: VaultChat,
  parts: IntendedPart[],
  messages: Map<number, number>,
): Promise<void> {
  const { client, vault } = chat
  const { found } = await findLostMessages(client, vault, { chatId: chat.chat })
  for (const { open, messageId } of found) {
    const part = parts.find(({ send }) => send.id === open.id)
    if (part === undefined) continue
    if (!messages.has(open.partNumber ?? 0)) confirm(chat, { part, messageId, messages })
    else {
      await eraseMessage(client, {
        chatId: chat.chat,
        messageId,
        tombstone: {
          backupId: open.backupId ?? '',
          kind: 'part',
          partNumber: open.partNumber ?? 0,
          catalogId: CATALOG_ID,
          generation: 1,
        },
      })
      await vault.closeSend(open.id)
    }
  }
}

function confirm(
  { vault }: VaultChat,
  { part, messageId, messages }: { part: IntendedPart; messageId: number; messages: Map<number, number> },
): void {
  messages.set(part.send.partNumber ?? 0, messageId)
  vault.known.add(messageId)
  vault.open.delete(part.send.id)
}

function ascending(one: number, other: number): number {
  return one - other
}
