import { randomBytes } from 'node:crypto'
import { generateIdentity } from '@telegram-backup/archive'
import {
  getBackupById,
  listMessages,
  listVerifications,
  markDamaged,
  markPart,
} from '@telegram-backup/database'
import {
  clientOf,
  openVerifiedVault,
  type VerifiedVault,
} from '@telegram-backup/test-support/verified-vault.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '#verify/verification-report.ts'

/** Three or four parts. */
const SIZE = 150_000

let v: VerifiedVault

beforeAll(async () => {
  v = await openVerifiedVault()
})

afterEach(() => {
  v.way.honest()
  v.vault.emulator.faults.clear()
})

afterAll(() => v.close())

const brief = (findings: readonly Finding[]): unknown[] =>
  findings.map(({ kind, part_no, finding, mended = false }) => [kind, part_no, finding, mended])

/** Whoever has the token puts something else in the place of a message. */
async function replace(message: { message_id: number }, caption: string, bytes = Buffer.from('erased\n')) {
  await v.vault.client.editDocument({
    ...{ chatId: String(v.vault.chatId), messageId: message.message_id },
    ...{ fileName: 'x.bin', bytes, caption },
  })
}

describe('a backup of which nothing is wrong', () => {
  it('is sound to the last plain byte, leaves the chat as it was, and costs four calls for each message', async () => {
    const id = await v.send(SIZE)
    const { emulator, chatId } = v.vault
    const before = emulator.inspect.messages(chatId)
    const calls = emulator.inspect.calls()
    const report = await v.verify(id)
    expect(report).toMatchObject({
      state: 'sound',
      depth: 'plain bytes',
      parts: (await listMessages(v.database, id)).length,
      findings: [],
      unproven: [],
    })
    const rows = await listMessages(v.database, id)
    expect(report.bytes).toBe(rows.reduce((sum, { size }) => sum + size, 0))
    // A look is a copy and its removal; reading is a path and a download. Three ask about the chat.
    expect(emulator.inspect.calls() - calls).toBe(4 * report.parts + 3)
    expect(emulator.inspect.messages(chatId)).toEqual(before)
    expect((await getBackupById(v.database, id))?.verified_at).not.toBeNull()
    expect(await listVerifications(v.database, id)).toMatchObject([
      { id: report.id, kind: 'data', state: 'sound', parts: report.parts, bytes: report.bytes, findings: [] },
    ])
    const left = await v.database.kysely.selectFrom('open_sends').selectAll().execute()
    expect(left).toEqual([])
    expect(await v.database.kysely.selectFrom('leases').selectAll().execute()).toEqual([])
  })

  it('without a key is proven as it was sent, and the report says no more than that', async () => {
    const id = await v.send(SIZE)
    const report = await v.verify(id, { identity: null })
    expect(report).toMatchObject({ state: 'sound', depth: 'sent bytes', findings: [], unproven: [] })
  })

  it('with a key that does not fit is proven as it was sent, and the report names the key', async () => {
    const id = await v.send(SIZE)
    const report = await v.verify(id, { identity: (await generateIdentity()).identity })
    expect(report).toMatchObject({ state: 'sound', depth: 'sent bytes', unproven: [{ code: 'WRONG_KEY' }] })
    expect((await getBackupById(v.database, id))?.damaged_at).toBeNull()
  })

  it('may have captions that people have changed', async () => {
    const id = await v.send(SIZE)
    const { message_id } = await v.row(id, 1)
    v.vault.emulator.asHuman.edit(v.vault.chatId, message_id, 'holiday pictures')
    expect(await v.verify(id)).toMatchObject({ state: 'sound', findings: [] })
  })

  it('is read by another bot as well, which learns the file ids', async () => {
    const id = await v.send(SIZE)
    const { emulator, chatId } = v.vault
    const bot = emulator.createBot()
    emulator.asHuman.promote(chatId, bot)
    const client = clientOf({ token: bot.token, apiRoot: emulator.url })
    expect(await v.verify(id, { client })).toMatchObject({ state: 'sound', depth: 'plain bytes' })
    expect((await v.row(id, 1)).bot_id).toBe(String(bot.id))
  })

  it('existence alone is asked for with at most ten looks, and moves nothing in the chat', async () => {
    const id = await v.send(64 * 1024 * 14)
    const { emulator, chatId } = v.vault
    const before = emulator.inspect.messages(chatId)
    const count = (method: string): number => emulator.inspect.calls(method)
    const [forwards, edits, paths] = [count('forwardMessage'), count('editMessageMedia'), count('getFile')]
    const report = await v.verify(id, { readData: false })
    expect(report).toMatchObject({ state: 'sound', depth: 'messages', bytes: 0 })
    expect(report.parts).toBeGreaterThan(14)
    expect(count('forwardMessage') - forwards).toBe(10)
    expect(count('editMessageMedia') - edits).toBe(report.parts - 10)
    expect(count('getFile') - paths).toBe(0)
    expect(emulator.inspect.messages(chatId)).toEqual(before)
    expect((await getBackupById(v.database, id))?.verified_at).toBeNull()
  })
})

describe('damage in the only chat', () => {
  it.each([true, false])('a message that a person deleted is missing (readData %s)', async readData => {
    const id = await v.send(SIZE)
    const { message_id } = await v.row(id, 2)
    v.vault.emulator.asHuman.deleteMessage(v.vault.chatId, message_id)
    const report = await v.verify(id, { readData })
    expect(report.state).toBe('damaged')
    expect(brief(report.findings)).toEqual([['part', 2, 'missing', false]])
    expect((await getBackupById(v.database, id))?.damaged_at).not.toBeNull()
    expect((await listMessages(v.database, id)).find(row => row.part_no === 2)?.state).toBe('missing')
    const [row] = await listVerifications(v.database, id)
    expect(row).toMatchObject({ state: 'damaged', findings: [{ part_no: 2, finding: 'missing' }] })
  })

  it.each([true, false])('a tombstone and another document are no parts (readData %s)', async readData => {
    const id = await v.send(SIZE)
    const [one, two] = [await v.row(id, 1), await v.row(id, 2)]
    await replace(one, `gone\ntelegram-backup 1 tombstone backup=${id} part=1`)
    await replace(two, 'other', randomBytes(two.size))
    const report = await v.verify(id, { readData })
    expect(brief(report.findings)).toEqual(
      expect.arrayContaining([
        ['part', 1, 'tombstone', false],
        ['part', 2, 'damaged', false],
      ]),
    )
    expect(report.findings).toHaveLength(2)
  })

  it('bytes that are others in the chat are found, and those that were only flipped on the way are not', async () => {
    const id = await v.send(SIZE)
    const two = await v.row(id, 2)
    v.way.replace(two.sha256, randomBytes(two.size))
    const report = await v.verify(id)
    expect(report).toMatchObject({ state: 'damaged', depth: 'sent bytes' })
    expect(brief(report.findings)).toEqual([['part', 2, 'damaged', false]])
    v.way.honest()
    v.vault.emulator.faults.on('download', { call: 2 }, { kind: 'flip-bit', offset: 50 })
    expect(await v.verify(id)).toMatchObject({ state: 'sound', depth: 'plain bytes', findings: [] })
    expect(await getBackupById(v.database, id)).toMatchObject({ state: 'complete', damaged_at: null })
    expect((await v.row(id, 2)).state).toBe('sent')
  })

  it('a part whose file nobody gets is unreadable, and the others are read all the same', async () => {
    const id = await v.send(SIZE)
    const { file_unique_id } = await v.row(id, 1)
    v.way.remove({ fileUniqueId: String(file_unique_id), messageId: -1 })
    const report = await v.verify(id)
    expect(brief(report.findings)).toEqual([['part', 1, 'unreadable', false]])
    const rest = (await listMessages(v.database, id)).filter(row => row.part_no !== 1)
    expect(report.bytes).toBe(rest.reduce((sum, { size }) => sum + size, 0))
  })

  it.each([
    ['the manifest', [0], true],
    ['a part that is known to be damaged', [1], false],
    ['all that the backup has', [0, 1, 2, 3, 4], true],
  ])('%s is unreadable, also when nothing of it was had before', async (_, partNumbers, readData) => {
    const id = await v.send(SIZE)
    const rows = (await listMessages(v.database, id)).filter(({ part_no }) => partNumbers.includes(part_no))
    const expected = rows.map(({ kind, part_no }) => [kind, part_no, 'unreadable', false])
    expect(expected.length).toBeGreaterThan(0)
    for (const { kind, part_no: partNumber, file_unique_id } of rows) {
      v.way.remove({ fileUniqueId: String(file_unique_id), messageId: -1 })
      if (readData) continue
      const key = { backupId: id, chatId: String(v.vault.chatId), kind, partNumber }
      await markPart(v.database, { ...key, state: 'damaged', error: 'found before' })
      await markDamaged(v.database, { backupId: id, error: 'found before' })
    }
    expect(brief((await v.verify(id, { readData })).findings)).toEqual(expected)
    expect((await getBackupById(v.database, id))?.damaged_at).not.toBeNull()
  })

  it('an outage is no damage: the verification fails, and nothing is held against the backup', async () => {
    const id = await v.send(SIZE)
    v.way.onDownload = () => {
      throw new Error('cut')
    }
    await expect(v.verify(id)).rejects.toMatchObject({
      code: expect.stringMatching(/ANSWER_LOST|UNREACHABLE/),
    })
    expect((await getBackupById(v.database, id))?.damaged_at).toBeNull()
    expect(await listVerifications(v.database, id)).toMatchObject([{ state: 'failed', findings: [] }])
    v.way.honest()
    let seen = 0
    v.way.onDownload = () => {
      if (++seen > 2) throw new Error('cut')
    }
    await expect(v.verify(id)).rejects.toMatchObject({
      code: expect.stringMatching(/ANSWER_LOST|UNREACHABLE/),
    })
    expect((await getBackupById(v.database, id))?.damaged_at).toBeNull()
  })

  it('the manifest counts as well', async () => {
    const id = await v.send(SIZE)
    const manifest = await v.row(id, 0)
    v.way.replace(manifest.sha256, randomBytes(manifest.size))
    expect(brief((await v.verify(id)).findings)).toEqual([['manifest', 0, 'damaged', false]])
  })

  it('what the catalog says against its manifest is told', async () => {
    const id = await v.send(SIZE)
    await v.database.kysely
      .updateTable('backup_parts')
      .set({ plain_size: 7 })
      .where('backup_id', '=', id)
      .where('part_no', '=', 2)
      .execute()
    const { findings } = await v.verify(id)
    expect(findings).toMatchObject([
      { kind: 'manifest', finding: 'contents', reason: expect.stringContaining('part 2') },
    ])
  })

  it('that was found before is not taken back by asking for messages, and is by reading all of it', async () => {
    const id = await v.send(SIZE)
    await markDamaged(v.database, { backupId: id, error: 'something' })
    expect(await v.verify(id, { readData: false })).toMatchObject({
      state: 'damaged',
      findings: [{ kind: 'backup', reason: expect.stringContaining('found damaged on') }],
    })
    expect(await v.verify(id)).toMatchObject({ state: 'sound', findings: [] })
    expect((await getBackupById(v.database, id))?.damaged_at).toBeNull()
  })
})
