import { randomBytes } from 'node:crypto'
import { BackupTelegramIntegration, getBackupDetails } from '@telegram-backup/api-gateway/backups'
import { expectNothingLost, openCalls } from '@telegram-backup/test-support/nothing-lost.ts'
import {
  openTestCatalog,
  openTestVault,
  TEST_PART_SIZE_BYTES,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { BackupService, type GivenFile } from 'telegram-deployment-bot'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>
let chatId: number
let replicaId: number
let bot: { id: number }

beforeAll(async () => {
  ;[vault, database] = await Promise.all([openTestVault(), openTestCatalog()])
  bot = { id: Number(vault.client.botId) }
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

beforeEach(() => {
  const channel = { type: 'channel', title: 'Vault', administrators: [{ bot }] } as const
  chatId = vault.emulator.createChat(channel).id
  replicaId = vault.emulator.createChat(channel).id
  vault.emulator.faults.clear()
})

const BYTES = randomBytes(3 * 32 * 1024)

function send(
  replicaChatId: string = String(replicaId),
  file: GivenFile = BYTES,
): ReturnType<BackupTelegramIntegration['sendAndRecord']> {
  const service = new BackupService({
    telegramClient: vault.client,
    defaultChatId: String(chatId),
    replicaChatId,
    encryption: { recipients: [vault.recipient] },
    partSizeBytes: TEST_PART_SIZE_BYTES,
  })
  const integration = new BackupTelegramIntegration(service, { database })
  return integration.sendAndRecord({ projectId: 'twice', type: 'storage', file })
}

/** Caption lines without what names the chat's own index. */
function linesIn(chatId: number): (string | undefined)[] {
  return vault.emulator.inspect
    .messages(chatId)
    .flatMap(({ caption }) => (caption?.includes(' backup=') ? [caption.replace(/ index=\d+$/, '')] : []))
    .sort()
}

describe('a second chat', () => {
  it('gets every message without a second upload, rows of its own and an index of its own', async () => {
    const result = await send()
    expect(result).toMatchObject({
      success: true,
      details: {
        indexUpToDate: true,
        replica: { chatId: String(replicaId), isWhole: true, indexUpToDate: true },
      },
    })
    expect(linesIn(replicaId)).toEqual(linesIn(chatId))
    expect(linesIn(replicaId)).toHaveLength(4)
    const details = await getBackupDetails(result.databaseRecord?.id ?? '', { database })
    const inReplica = details?.parts.filter(part => part.chat_id === String(replicaId)) ?? []
    expect(inReplica.map(({ part_no, state }) => [part_no, state])).toEqual([1, 2, 3].map(no => [no, 'sent']))
    await expectNothingLost(vault, { database, chatId })
    await expectNothingLost(vault, { database, chatId: replicaId })
    const [index, ...rest] = vault.emulator.inspect
      .messages(replicaId)
      .filter(({ caption }) => caption?.includes('telegram-backup 1 index '))
    expect(rest).toEqual([])
    const ofBackups = vault.emulator.inspect
      .messages(replicaId)
      .filter(({ caption }) => caption?.includes(' backup='))
    for (const { caption } of ofBackups) expect(caption?.endsWith(` index=${index?.message_id}`)).toBe(true)
  })

  it('that loses answers gets no message twice', async () => {
    await send()
    vault.emulator.faults.on('sendDocument', { call: 2 }, { kind: 'answer-lost' })
    vault.emulator.faults.on('sendDocument', { call: 6 }, { kind: 'answer-lost' })
    expect(await send()).toMatchObject({ success: true, details: { replica: { isWhole: true } } })
    await expectNothingLost(vault, { database, chatId })
    await expectNothingLost(vault, { database, chatId: replicaId })
    expect(await openCalls(database, chatId, replicaId)).toEqual([])
  })

  it('that the bot was thrown out of fails no backup; it is told', async () => {
    vault.emulator.asHuman.kick(replicaId, bot)
    const result = await send()
    expect(result).toMatchObject({
      success: true,
      details: { indexUpToDate: true, replica: { chatId: String(replicaId), isWhole: false } },
    })
    expect(result.details.replica?.error).not.toBe('')
    expect(result.databaseRecord?.state).toBe('complete')
    await expectNothingLost(vault, { database, chatId })
  })

  it('is cleaned as well when the backup fails', async () => {
    await send()
    const before = [chatId, replicaId].map(id => linesIn(id))
    const file: GivenFile = {
      archiveSource: BYTES,
      filename: 'dump.sql',
      sizeBytes: undefined,
      facts: {},
      // By now all parts are in the first chat, and some of them in the second.
      finish: async () => {
        throw new Error('not good')
      },
      close: async () => {},
    }
    expect(await send(undefined, file)).toMatchObject({ success: false })
    expect([chatId, replicaId].map(id => linesIn(id))).toEqual(before)
    expect(await openCalls(database, chatId, replicaId)).toEqual([])
  })

  it('that is the first one is refused before anything is sent', async () => {
    expect(await send(String(chatId))).toMatchObject({ success: false, code: 'CONFIGURATION' })
    expect(vault.emulator.inspect.messages(chatId)).toEqual([])
  })
})
