import { randomUUID } from 'node:crypto'
import { getBackupDetails, listMessages, queryBackups } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { writeCaption, writeTombstoneCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

/** What both catalogs say of a backup, but for what only one of them can know. */
async function recordOf(machine: Machine, id: string): Promise<unknown> {
  const details = await getBackupDetails(machine.database, id)
  if (details === null) return null
  const { history, caption, damaged_at, parts, source, recovered_trust, ...backup } = details
  const known = parts.map(({ intended_at, sent_at, plain_sha256, file_unique_id, ...part }) => part)
  return { ...backup, parts: known, source }
}

describe('a machine with token, chat and key', () => {
  test('gets every backup back as it was, fetches it, and owns the chat from then on', async () => {
    const first = await old.send(150_000)
    const second = await old.send(10_000)
    const next = await machines.open()
    const report = await next.recover()
    expect(report).toMatchObject({
      signer: old.signer,
      signerWasGiven: false,
      refused: [],
      indexFailure: null,
    })
    expect(report.index).toMatchObject({ foundBy: 'pin' })
    expect(report.backups.map(({ id, outcome, findings }) => ({ id, outcome, findings }))).toEqual([
      { id: first.id, outcome: 'added', findings: [] },
      { id: second.id, outcome: 'added', findings: [] },
    ])
    for (const { id, bytes } of [first, second]) {
      expect(await recordOf(next, id)).toEqual(await recordOf(old, id))
      expect((await next.fetch(id)).equals(bytes)).toBe(true)
    }
    const index = await machines.index()
    expect(index.generation).toBeGreaterThan(1)
    expect(report.owner).toEqual({ catalogId: index.catalogId, generation: index.generation })
    expect(index.backups.map(({ id }) => id)).toEqual([first.id, second.id])
    await expect(old.send(1000)).rejects.toThrow(/taken over/)
    const third = await next.send(1000)
    expect((await machines.index()).backups.map(({ id }) => id)).toEqual([first.id, second.id, third.id])
    // Nothing but documents that the catalog names is left in the chat.
    const { vault } = machines
    await expectNothingLost(vault, { database: next.database, chatId: vault.chatId })
  })

  test('ends the same when it recovers once more', async () => {
    await old.send(1000)
    const next = await machines.open()
    const { owner } = await next.recover()
    const messages = machines.vault.messageIds()
    const again = await next.recover()
    expect(again.owner).toEqual(owner)
    expect(again.backups.map(({ outcome }) => outcome)).toEqual(['known'])
    expect(machines.vault.messageIds()).toEqual(messages)
    const third = await machines.open()
    const after = await third.recover()
    expect(after.signer).toBe(next.signer)
    expect(after.owner?.generation).toBeGreaterThan(owner?.generation ?? Number.POSITIVE_INFINITY)
    await expect(next.send(1000)).rejects.toThrow(/taken over/)
  })

  test('finds nothing in a chat that holds nothing of ours', async () => {
    await machines.vault.emulator.asHuman.post(machines.vault.chatId, { text: 'hello' })
    await expect(old.recover()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(machines.vault.messageIds()).toHaveLength(1)
  })

  test('says that another key is needed, and takes nothing over', async () => {
    await old.send(1000)
    const next = await machines.open()
    const { generateIdentity } = await import('@telegram-backup/archive')
    const { identity } = await generateIdentity()
    await expect(next.recover({ identities: [identity] })).rejects.toMatchObject({ code: 'WRONG_KEY' })
    await expect(next.send(1000)).rejects.toThrow(/another catalog/)
    await old.send(1000)
  })

  test('without the key gets what captions tell, and leaves the chat as it is', async () => {
    const { id } = await old.send(150_000)
    const next = await machines.open()
    const report = await next.recover({ identities: [] })
    expect(report).toMatchObject({ withoutKey: true, owner: null, signer: null })
    expect(report.backups).toMatchObject([{ id, state: 'complete', size: null, parts: 4, findings: [] }])
    const details = await getBackupDetails(next.database, id)
    expect(details).toMatchObject({ project_id: 'shop', type: 'database', part_count: 4, size: 0 })
    const before = await getBackupDetails(old.database, id)
    expect(details?.parts.map(part => part.sha256)).toEqual(before?.parts.map(part => part.sha256))
    await old.send(1000)
  })
})

describe('what people do to messages', () => {
  test('a deleted part is found and named, and the others are untouched', async () => {
    const broken = await old.send(150_000)
    const whole = await old.send(1000)
    const rows = await listMessages(old.database, broken.id)
    const lost = rows.find(({ kind, part_no }) => kind === 'part' && part_no === 2)?.message_id ?? 0
    machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, lost)
    const next = await machines.open()
    const report = await next.recover()
    expect(report.backups.map(({ id, findings }) => [id, findings])).toEqual([
      [broken.id, [`part 2 (message ${lost}) is gone`]],
      [whole.id, []],
    ])
    expect((await getBackupDetails(next.database, broken.id))?.damaged_at).toBeInstanceOf(Date)
    expect((await getBackupDetails(next.database, whole.id))?.damaged_at).toBeNull()
    const parts = await listMessages(next.database, broken.id)
    expect(parts.filter(({ state }) => state === 'missing').map(({ part_no }) => part_no)).toEqual([2])
    expect((await machines.index()).backups.map(({ id }) => id)).toEqual([broken.id, whole.id])
  })

  test.each(['the same bot', 'another bot'])('a deleted manifest takes nothing with it for %s', async who => {
    const { id, bytes } = await old.send(150_000)
    await old.send(1000)
    const manifest = (await getBackupDetails(old.database, id))?.manifest?.message_id ?? 0
    const { emulator, chatId } = machines.vault
    emulator.asHuman.deleteMessage(chatId, manifest)
    const bot = emulator.createBot()
    emulator.asHuman.promote(chatId, bot)
    const next = await machines.open(who === 'another bot' ? { token: bot.token } : {})
    const report = await next.recover()
    expect(report.backups[0]).toMatchObject({ id, state: 'complete' })
    expect(report.backups[0]?.findings.join()).toContain(`manifest (message ${manifest}) is gone`)
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
    expect((await machines.index()).backups.map(entry => entry.id)).toContain(id)
  })
})

describe('a run that is under way on the old machine', () => {
  test('and ends before the chat is taken over is recovered as well', async () => {
    const first = await old.send(1000)
    const next = await machines.open()
    let late: { id: string; bytes: Buffer } | undefined
    const report = await next.recover({
      // Everything has been looked at by now.
      signingKey: async () => {
        late = await old.send(150_000)
        return next.signingKey
      },
    })
    expect(report).toMatchObject({ indexFailure: null, refused: [] })
    expect(report.backups.map(({ id, state }) => [id, state])).toEqual([
      [first.id, 'complete'],
      [late?.id, 'complete'],
    ])
    expect((await next.fetch(late?.id ?? '')).equals(late?.bytes ?? Buffer.alloc(0))).toBe(true)
    expect((await machines.index()).backups.map(({ id }) => id)).toEqual([first.id, late?.id])
    await expect(old.send(1000)).rejects.toThrow(/taken over/)
  })

  test('whose manifest comes after its parts were seen is complete, not failed', async () => {
    await old.send(1000)
    const { emulator, chatId } = machines.vault
    const outage = { kind: 'error', errorCode: 400, description: 'Bad Request: try later' } as const
    emulator.faults.on('editMessageMedia', { calls: 99 }, outage)
    const whole = await old.send(150_000)
    emulator.faults.clear()
    const rows = await listMessages(old.database, whole.id)
    const manifest = rows.find(({ kind }) => kind === 'manifest')
    if (manifest?.message_id == null || manifest.file_id === null) throw new Error('it was not sent')
    const caption = emulator.inspect
      .messages(chatId)
      .find(({ message_id }) => message_id === manifest.message_id)?.caption
    emulator.asHuman.deleteMessage(chatId, manifest.message_id)
    const next = await machines.open()
    const report = await next.recover({
      signingKey: async () => {
        await old.client.sendStoredDocument({
          chatId: String(chatId),
          fileId: manifest.file_id ?? '',
          caption: caption ?? '',
        })
        return next.signingKey
      },
    })
    expect(report.backups.map(({ id, state }) => [id, state])).toContainEqual([whole.id, 'complete'])
    expect(report.backups).toHaveLength(2)
    expect((await next.fetch(whole.id)).equals(whole.bytes)).toBe(true)
  })
})

test('a catalog that is not empty gets what it lacks, and keeps what it has', async () => {
  const { id } = await old.send(150_000)
  const lacks = await machines.open()
  await lacks.recover()
  const { kysely } = lacks.database
  await kysely.deleteFrom('backup_parts').where('part_no', '=', 2).execute()
  await kysely.updateTable('backups').set({ caption: 'mine', restore_count: 7 }).execute()
  const report = await lacks.recover()
  expect(report.backups).toMatchObject([{ id, outcome: 'merged' }])
  const details = await getBackupDetails(lacks.database, id)
  expect(details).toMatchObject({ caption: 'mine', restore_count: 7 })
  expect(details?.parts).toHaveLength(4)
})

test('the chat of another catalog is merged into one that has backups of its own', async () => {
  const { emulator, chatId } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  const elsewhere = emulator.createChat({ type: 'channel', title: 'Mine', administrators: [{ bot }] })
  const theirs = await old.send(1000)
  const own = await machines.open({ chatId: elsewhere.id })
  const mine = await own.send(1000)
  const report = await own.recover({ chat: String(chatId) })
  expect(report).toMatchObject({ indexFailure: null })
  const { data } = await queryBackups(own.database, {})
  expect(data.map(({ id }) => id).sort()).toEqual([mine.id, theirs.id].sort())
  expect(await machines.index()).toMatchObject({ backups: [{ id: theirs.id }] })
  expect((await machines.index()).catalogId).toBe((await machines.index(elsewhere.id)).catalogId)
  await expect(old.send(1000)).rejects.toThrow(/another catalog/)
})

test('what another catalog left in the chat that was merged does not speak against its new owner', async () => {
  const { emulator, chatId } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  const elsewhere = emulator.createChat({ type: 'channel', title: 'Mine', administrators: [{ bot }] })
  const theirs = await old.send(1000)
  const { catalogId: id, generation } = await machines.index()
  const before = emulator.inspect.messages(chatId).find(message => message.pinned)?.message_id
  const leftOver = { backupId: randomUUID(), partNumber: 3, catalog: { id, generation } }
  const damaged = {
    project: 'shop',
    type: 'logs',
    createdAt: new Date(),
    backupId: randomUUID(),
    content: { kind: 'manifest' as const },
    sha256: 'a'.repeat(64),
    catalog: { id, generation },
  }
  for (const caption of [writeTombstoneCaption(leftOver), writeCaption(damaged)]) {
    const bytes = Buffer.from('nothing')
    await old.client.sendDocument({ chatId: String(chatId), fileName: 'erased.txt', bytes, caption })
  }
  const own = await machines.open({ chatId: elsewhere.id })
  await own.send(1000)
  const report = await own.recover({ chat: String(chatId), signers: [old.signer] })
  expect(report).toMatchObject({ indexFailure: null, refused: [{ backupId: damaged.backupId }] })
  expect(await machines.index()).toMatchObject({ backups: [{ id: theirs.id }] })
  const captions = emulator.inspect.messages(chatId).map(({ caption }) => caption ?? '')
  expect(captions.filter(caption => caption.includes(' 1 index '))).toHaveLength(1)
  expect(emulator.inspect.messages(chatId).some(({ message_id }) => message_id === before)).toBe(false)
})
