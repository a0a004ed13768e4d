import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { ensureIndex, TelegramError } from '#index.ts'
import { LostAnswers } from '#services/lost-answers.ts'
import { vaultChat } from '#test/vault-chat.ts'

test('a run whose chat always has more messages than one look takes in gives up, and sends nothing again', async () => {
  const chat = await vaultChat()
  const { client, vault } = chat
  await ensureIndex(client, vault, chat.indexOptions)
  const backupId = randomUUID()
  const { send } = chat.intendPart({ backupId })
  let looks = 0
  const busy: typeof client = {
    ...client,
    botId: client.botId,
    messageExists: async () => 'gone',
    forwardMessage: async (...call) => {
      looks++
      return { ...(await client.forwardMessage(...call)), messageId: 1_000_000 }
    },
  }
  const answers = new LostAnswers({ client: busy, vault, chatId: chat.chat, backupId, onWait: () => {} })
  const lost = new TelegramError('lost', { code: 'ANSWER_LOST' })
  const { signal } = new AbortController()
  await expect(answers.find(new Set([send.id]), { signal, lost })).rejects.toBe(lost)
  expect(looks).toBeLessThan(10)
  expect(vault.open.get(send.id)?.afterMessageId).toBeGreaterThan(2_000)
})
