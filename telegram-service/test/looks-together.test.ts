import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { ensureIndex, findLostMessages } from '#index.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { vaultChat } from '#test/vault-chat.ts'

test('searches for many runs, again and again, ask about no copy of each other, and find what comes late', async () => {
  const chat = await vaultChat()
  const { client, vault, emulator, indexOptions } = chat
  await ensureIndex(client, vault, indexOptions)
  const runs = Array.from({ length: 6 }, () => chat.intendPart({ backupId: randomUUID() }))
  const searchAll = async (): Promise<number> => {
    let found = 0
    for (const { send } of runs) {
      const of = { chatId: chat.chat, backupId: send.backupId }
      found += (await findLostMessages(client, vault, of)).found.length
    }
    return found
  }
  const before = emulator.inspect.calls('forwardMessage')
  for (let minute = 0; minute < 3; minute++) expect(await searchAll()).toBe(0)
  // Each once about the word of the chat that the index was pinned.
  expect(emulator.inspect.calls('editMessageMedia')).toBe(6)
  expect(emulator.inspect.calls('forwardMessage') - before).toBe(18)

  emulator.faults.on('sendDocument', {}, { kind: 'answer-lost' })
  const [first] = runs
  if (first === undefined) throw new Error('no run')
  expect(await failureOf(chat.sendPart(first))).toMatchObject({ code: 'ANSWER_LOST' })
  expect(await searchAll()).toBe(1)
})
