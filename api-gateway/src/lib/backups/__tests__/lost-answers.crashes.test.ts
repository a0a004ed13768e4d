import { randomBytes } from 'node:crypto'
import {
  BackupTelegramIntegration,
  getBackupDetails,
  planFetch,
  queryByProject,
} from '@telegram-backup/api-gateway/backups'
import type { Fault } from '@telegram-backup/bot-api-emulator'
import { sealedManifest } from '@telegram-backup/database'
import { expectNothingLost, openCalls } from '@telegram-backup/test-support/nothing-lost.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>
let chatId: number
let integration: BackupTelegramIntegration

beforeAll(async () => {
  ;[vault, database] = await Promise.all([openTestVault(), openTestCatalog()])
  integration = new BackupTelegramIntegration(vault.service, { database })
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

beforeEach(() => {
  const bot = { id: Number(vault.client.botId) }
  const chat = vault.emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  chatId = chat.id
  vault.emulator.faults.clear()
})

/** Three parts and the manifest; in a chat without an index, that goes first. */
const INDEX_CALL = 1
const PART_CALL = 3
const MANIFEST_CALL = 5
const BYTES = randomBytes(3 * 32 * 1024)

async function send(): ReturnType<BackupTelegramIntegration['sendAndRecord']> {
  return integration.sendAndRecord({
    projectId: 'lost',
    type: 'storage',
    file: BYTES,
    chatId: String(chatId),
  })
}

/** The backup is whole, comes back byte for byte, and there is nothing else. */
async function expectWhole(result: Awaited<ReturnType<typeof send>>): Promise<void> {
  expect(result).toMatchObject({ success: true, details: { indexUpToDate: true } })
  const backup = await getBackupDetails(result.databaseRecord?.id ?? '', { database })
  if (!backup) throw new Error('the catalog does not know the backup')
  const pieces: Buffer[] = []
  const fetching = vault.service.fetchBackup({ ...planFetch(backup), identities: [vault.identity] })
  for await (const piece of fetching) pieces.push(piece)
  expect(Buffer.concat(pieces).equals(BYTES)).toBe(true)
  await expectNothingLost(vault, { database, chatId })
}

describe.each([
  ['the index', INDEX_CALL],
  ['a part', PART_CALL],
  ['the manifest', MANIFEST_CALL],
])('when the answer to %s is lost', (_, call) => {
  it('the message is found, and adopted', async () => {
    vault.emulator.faults.on('sendDocument', { call }, { kind: 'answer-lost' })
    const before = vault.emulator.inspect.calls('sendDocument')
    await expectWhole(await send())
    expect(vault.emulator.inspect.calls('sendDocument') - before).toBe(MANIFEST_CALL)
    expect(await openCalls(database, chatId)).toEqual([])
  })

  it('and so are those of the next two tries to look, the message is found all the same', async () => {
    vault.emulator.faults.on('sendDocument', { call }, { kind: 'answer-lost' })
    vault.emulator.faults.on('forwardMessage', { calls: 2 }, { kind: 'answer-lost' })
    await expectWhole(await send())
    expect(await openCalls(database, chatId)).toEqual([])
  })
})

describe.each([
  ['a part', PART_CALL],
  ['the manifest', MANIFEST_CALL],
])('when a 502 answers %s', (_, call) => {
  it.each<[string, Fault]>([
    ['and there is no message, it is sent again', { kind: 'status', status: 502, html: true }],
    ['and the message comes a little later, it is found', { kind: 'late', ms: 500, answer: 'bad-gateway' }],
  ])('%s', async (_words, fault) => {
    vault.emulator.faults.on('sendDocument', { call }, fault)
    await expectWhole(await send())
  })

  it('and the message comes after it was sent again, one of the two goes', async () => {
    // Longer than the two looks with their pause.
    vault.emulator.faults.on('sendDocument', { call }, { kind: 'late', ms: 4_500, answer: 'bad-gateway' })
    // The manifest, or the message itself, takes so long that the late one is there before the run ends.
    vault.emulator.faults.on('sendDocument', { call: call + 1, calls: 3 }, { kind: 'delay', ms: 2_500 })
    await expectWhole(await send())
    expect(await openCalls(database, chatId)).toEqual([])
  })
})

describe('when the chat answers nothing any more', () => {
  it('after a part, the send fails, and the catalog knows which call may have made a message', async () => {
    expect((await send()).success).toBe(true)
    vault.emulator.faults.on('sendDocument', { call: PART_CALL - INDEX_CALL }, { kind: 'answer-lost' })
    vault.emulator.faults.on('forwardMessage', { calls: 99 }, { kind: 'status', status: 502 })
    vault.emulator.faults.on('sendMessage', { calls: 99 }, { kind: 'status', status: 502 })
    const result = await send()
    expect(result).toMatchObject({ success: false, code: 'ANSWER_LOST', details: { leftInChat: 1 } })
    expect(await openCalls(database, chatId)).toContainEqual(expect.stringMatching(/^part [123]$/))
  })

  it('after the manifest, nothing is taken back, the backup stays open, and its lease is free', async () => {
    expect((await send()).success).toBe(true)
    vault.emulator.faults.on('sendDocument', { call: MANIFEST_CALL - INDEX_CALL }, { kind: 'answer-lost' })
    vault.emulator.faults.on('forwardMessage', { calls: 99 }, { kind: 'status', status: 502 })
    const result = await send()
    expect(result).toMatchObject({ success: false, code: 'ANSWER_LOST', details: { leftInChat: 4 } })
    expect(await openCalls(database, chatId)).toContain('manifest 0')
    const { data } = await queryByProject('lost', { state: 'sending', limit: 1 }, { database })
    expect(data).toHaveLength(1)
    expect(await sealedManifest(database, data[0]?.id ?? '')).not.toBeNull()
    const leases = await sql`SELECT subject FROM control_plane.leases`.execute(database.kysely)
    expect(leases.rows).toEqual([])
  })
})
