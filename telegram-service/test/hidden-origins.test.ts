import { expect, test } from 'vitest'
import { ensureIndex, findLostMessages, lookAtMessage } from '#index.ts'
import { alteringProxy, alterResult } from '#test/altering-proxy.ts'
import { type VaultChat, vaultChat } from '#test/vault-chat.ts'

/**
 * A chat on a server that does not tell where a forwarded message comes from; Telegram's has since Bot API 7.0. Whether the
 * next answer to a forward is to be lost is for the test to say.
 */
async function untoldChat(type: 'channel' | 'supergroup'): Promise<VaultChat & { loseNextForward(): void }> {
  const chat = await vaultChat(type)
  let isLost = false
  const apiRoot = await alteringProxy(chat.emulator.url, answer => {
    if (answer.method !== 'forwardMessage' || answer.status !== 200) return
    alterResult(answer, ({ forward_origin: _, ...message }) => message)
    if (isLost) answer.status = 502
    isLost = false
  })
  return {
    ...chat,
    client: chat.createClient({ apiRoot }),
    loseNextForward: () => {
      isLost = true
    },
  }
}

test.each(['channel', 'supergroup'] as const)(
  'without origins, a lost copy of what only this catalog says is removed, and nothing else, in a %s',
  async type => {
    const chat = await untoldChat(type)
    const { client, vault, emulator, chatId } = chat
    await ensureIndex(client, vault, chat.indexOptions)
    const { messageId } = await chat.sendPart(chat.intendPart())
    vault.open.clear()
    vault.known.add(messageId)
    await emulator.asHuman.post(chatId, { text: 'hello' })
    const before = chat.alive()
    chat.loseNextForward()
    await lookAtMessage(client, vault, { chatId: chat.chat, messageId })
    expect(chat.open()).toEqual(['copy'])
    await emulator.asHuman.post(chatId, {
      caption: 'mine',
      document: { fileName: 'part.zst', bytes: Buffer.alloc(9) },
    })
    const theirs = chat.alive().at(-1)
    expect(chat.alive()).toHaveLength(before.length + 2)

    await findLostMessages(client, vault, { chatId: chat.chat })
    expect(chat.open()).toEqual([])
    expect(chat.alive()).toEqual([...before, theirs])
  },
)
