import { randomBytes } from 'node:crypto'
import { BackupTelegramIntegration, queryByProject } from '@telegram-backup/api-gateway/backups'
import { expectNothingLost, openCalls } from '@telegram-backup/test-support/nothing-lost.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

type Catalog = Awaited<ReturnType<typeof openTestCatalog>>

let vault: TestVault
let database: Catalog
let other: Catalog
let chatId: number

beforeAll(async () => {
  ;[vault, database, other] = await Promise.all([openTestVault(), openTestCatalog(), openTestCatalog()])
})

afterAll(async () => {
  await Promise.all([database.discard(), other.discard()])
  await vault.close()
})

beforeEach(() => {
  const bot = { id: Number(vault.client.botId) }
  const chat = vault.emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  chatId = chat.id
})

const messageIds = (): number[] => vault.emulator.inspect.messages(chatId).map(({ message_id }) => message_id)

function send(
  to: Catalog,
  projectId: string,
  bytes: number = 3 * 32 * 1024,
): ReturnType<BackupTelegramIntegration['sendAndRecord']> {
  const integration = new BackupTelegramIntegration(vault.service, { database: to })
  return integration.sendAndRecord({
    projectId,
    type: 'storage',
    file: randomBytes(bytes),
    chatId: String(chatId),
  })
}

describe('a chat', () => {
  it('gets one index, which its captions name, though two sends begin at once', async () => {
    const results = await Promise.all([send(database, 'left'), send(database, 'right')])
    expect(results.map(({ success }) => success)).toEqual([true, true])
    await expectNothingLost(vault, { database, chatId })
    expect(await openCalls(database, chatId)).toEqual([])
    const messages = vault.emulator.inspect.messages(chatId)
    const indexes = messages.filter(({ caption }) => caption?.includes('telegram-backup 1 index '))
    expect(indexes).toHaveLength(1)
    const ofBackups = messages.filter(({ caption }) => caption?.includes(' backup='))
    expect(ofBackups).toHaveLength(8)
    for (const { caption } of ofBackups)
      expect(caption?.endsWith(` index=${indexes[0]?.message_id}`)).toBe(true)
  })

  it('of another catalog is refused, and nothing is sent', async () => {
    expect((await send(database, 'owner')).success).toBe(true)
    const before = messageIds()
    const calls = vault.emulator.inspect.calls('sendDocument')
    const result = await send(other, 'stranger')
    expect(result).toMatchObject({ success: false, code: 'CONFIGURATION' })
    expect(result.hint).toContain('telegram-backup recover')
    expect(messageIds()).toEqual(before)
    expect(vault.emulator.inspect.calls('sendDocument')).toBe(calls)
    expect((await queryByProject('stranger', {}, { database: other })).total).toBe(0)
  })

  it.each([
    ['', false],
    [', hidden by what people have pinned,', true],
  ])(
    'whose index%s a copy of this catalog has gone on with is refused, and nothing is sent',
    async (_, hidden) => {
      expect((await send(database, 'copied')).success).toBe(true)
      // As if the state folder had been copied before, and this were the copy that stood still.
      await sql`UPDATE control_plane.chats
      SET index_edition = '1-00000000', index_next_edition = NULL
      WHERE chat_id = ${String(chatId)}`.execute(database.kysely)
      // What people have pinned since hides the index, and tells nothing of whose chat it is.
      const theirs = hidden ? await vault.emulator.asHuman.post(chatId, { text: 'look here' }) : 0
      if (hidden) vault.emulator.asHuman.pin(chatId, theirs)
      const before = messageIds()
      const result = await send(database, 'copied')
      expect(result).toMatchObject({ success: false, code: 'CONFIGURATION' })
      expect(result.hint).toContain('telegram-backup recover')
      expect(messageIds()).toEqual(before)
    },
  )
})

describe('a send whose lease is taken by another process', () => {
  it('stops, and touches neither the chat nor the catalog any more', async () => {
    await send(database, 'warm-up', 100)
    const before = messageIds()
    let taken = false
    let seen = 0
    let callsWhenTaken = { sendDocument: 0, deleteMessage: 0 }
    const stop = vault.emulator.watch(async ({ method, phase }) => {
      if (method !== 'senddocument' || phase !== 'kept' || ++seen < 4 || taken) return
      taken = true
      const token = '00000000-0000-4000-8000-000000000000'
      await sql`UPDATE control_plane.leases SET token = ${token}`.execute(database.kysely)
      const { inspect } = vault.emulator
      callsWhenTaken = {
        sendDocument: inspect.calls('sendDocument'),
        deleteMessage: inspect.calls('deleteMessage'),
      }
    })
    const result = await send(database, 'taken', 400_000)
    stop()
    expect(taken).toBe(true)
    expect(result).toMatchObject({ success: false, code: 'LEASE_LOST' })
    const { inspect } = vault.emulator
    // Those that were under way with it may still arrive.
    expect(inspect.calls('sendDocument') - callsWhenTaken.sendDocument).toBeLessThanOrEqual(2)
    expect(inspect.calls('deleteMessage')).toBe(callsWhenTaken.deleteMessage)
    expect(messageIds().length).toBeGreaterThan(before.length)
    const { data } = await queryByProject('taken', {}, { database })
    expect(data.map(({ state }) => state)).toEqual(['sending'])
    const leases = await sql`SELECT token FROM control_plane.leases`.execute(database.kysely)
    expect(leases.rows).toHaveLength(1)
    await sql`DELETE FROM control_plane.leases`.execute(database.kysely)
  })
})
