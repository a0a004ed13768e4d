import { randomBytes } from 'node:crypto'
import { acquireLease, getBackupById, listMessages, listVerifications } from '@telegram-backup/database'
import { openVerifiedVault, type VerifiedVault } from '@telegram-backup/test-support/verified-vault.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

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

async function sendToTwo(): Promise<{ id: string; replica: number }> {
  const replica = v.openChannel()
  return { id: await v.send(SIZE, { replicaChatId: replica }), replica }
}

async function expectAllThere(id: string): Promise<void> {
  const { emulator } = v.vault
  for (const row of await listMessages(v.database, id)) {
    expect(row).toMatchObject({ state: 'sent', error: null })
    const bytes = await emulator.inspect.documentBytes(Number(row.chat_id), row.message_id ?? 0)
    expect(bytes).toHaveLength(row.size)
  }
}

describe('a backup in two chats', () => {
  it('is read in both, and opened once', async () => {
    const { id } = await sendToTwo()
    const rows = await listMessages(v.database, id)
    const report = await v.verify(id)
    expect(report).toMatchObject({ state: 'sound', depth: 'plain bytes', parts: rows.length })
    expect(report.bytes).toBe(rows.reduce((sum, { size }) => sum + size, 0))
  })

  it.each([true, false])(
    'is mended in either from the other, and sound after it (readData %s)',
    async readData => {
      const { id, replica } = await sendToTwo()
      const { emulator, chatId } = v.vault
      emulator.asHuman.deleteMessage(chatId, (await v.row(id, 1)).message_id)
      emulator.asHuman.deleteMessage(chatId, (await v.row(id, 0)).message_id)
      emulator.asHuman.deleteMessage(replica, (await v.row(id, 2, replica)).message_id)
      const report = await v.verify(id, { readData })
      expect(report.state).toBe('mended')
      expect(report.findings).toHaveLength(3)
      expect(report.findings.every(({ mended }) => mended)).toBe(true)
      expect(await getBackupById(v.database, id)).toMatchObject({ state: 'complete', damaged_at: null })
      expect(await listVerifications(v.database, id)).toMatchObject([{ state: 'sound' }])
      await expectAllThere(id)
      expect(await v.verify(id)).toMatchObject({ state: 'sound', findings: [] })
    },
  )

  it('opens what the second chat has when a part of the first is damaged', async () => {
    const { id } = await sendToTwo()
    const two = await v.row(id, 2)
    await v.vault.client.editDocument({
      ...{ chatId: String(v.vault.chatId), messageId: two.message_id },
      ...{ fileName: 'x.bin', bytes: randomBytes(two.size), caption: 'x' },
    })
    const report = await v.verify(id)
    expect(report).toMatchObject({ state: 'mended', depth: 'plain bytes' })
    await expectAllThere(id)
  })

  it('stays damaged where both have lost the same part; the rest is repaired', async () => {
    const { id, replica } = await sendToTwo()
    const { emulator, chatId } = v.vault
    for (const partNumber of [1, 2])
      emulator.asHuman.deleteMessage(chatId, (await v.row(id, partNumber)).message_id)
    emulator.asHuman.deleteMessage(replica, (await v.row(id, 1, replica)).message_id)
    const report = await v.verify(id)
    expect(report.state).toBe('damaged')
    expect(report.findings.filter(({ mended }) => !mended).map(({ part_no }) => part_no)).toEqual([1, 1])
    expect(report.findings.filter(({ mended }) => mended).map(({ part_no }) => part_no)).toEqual([2])
    expect((await getBackupById(v.database, id))?.damaged_at).not.toBeNull()
  })

  it('is no worse for a second chat that lets nobody in, which is told', async () => {
    const { id, replica } = await sendToTwo()
    const [bot] = v.vault.emulator.inspect.bots()
    if (bot === undefined) throw new Error('no bot')
    v.vault.emulator.asHuman.kick(replica, bot)
    const report = await v.verify(id)
    expect(report).toMatchObject({
      state: 'sound',
      depth: 'plain bytes',
      unproven: [{ chat_id: String(replica) }],
    })
  })
})

describe('who else is at work', () => {
  it('a backup that somebody works on is not verified', async () => {
    const id = await v.send(1000)
    const lease = await acquireLease(v.database, { subject: id, purpose: 'erase' })
    await expect(v.verify(id)).rejects.toMatchObject({ code: 'BUSY' })
    await lease?.release()
    expect(await v.verify(id)).toMatchObject({ state: 'sound' })
  })

  it('a cancel ends it, and leaves neither copies nor a lease nor a finding', async () => {
    const id = await v.send(SIZE)
    const stop = new AbortController()
    const before = v.vault.messageIds()
    v.way.onDownload = async () => {
      stop.abort()
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    await expect(v.verify(id, { signal: stop.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(v.vault.messageIds()).toEqual(before)
    expect(await listVerifications(v.database, id)).toMatchObject([{ state: 'failed', error: 'Cancelled' }])
    expect(await v.database.kysely.selectFrom('leases').selectAll().execute()).toEqual([])
  })

  it('what is unknown, or not complete, cannot be verified', async () => {
    const unknown = '00000000-0000-4000-8000-000000000000'
    await expect(v.verify(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await listVerifications(v.database, unknown)).toEqual([])
  })

  it('hears how far it is, and never more than the whole', async () => {
    const id = await v.send(SIZE)
    const heard: { bytes_done: number; bytes_total: number | null; parts_done: number }[] = []
    const report = await v.verify(id, { onProgress: progress => heard.push(progress) })
    expect(heard.map(({ parts_done }) => parts_done)).toEqual(heard.map((_, index) => index + 1))
    expect(heard.at(-1)).toEqual({
      bytes_done: report.bytes,
      bytes_total: report.bytes,
      parts_done: report.parts,
    })
  })
})
