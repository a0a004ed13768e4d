import { createHash, randomUUID } from 'node:crypto'
import { sealIndex, sealManifest } from '@telegram-backup/archive'
import { catalogIdentity, getBackupDetails, listMessages } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { type CaptionFacts, writeCaption, writeIndexCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, expect, test } from 'vitest'

// Whoever may write into the chat may write lines like ours under documents of his own.

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

/** Posts a document with such a line under it. */
async function post(
  facts: Pick<CaptionFacts, 'backupId' | 'content'> & Partial<CaptionFacts>,
  bytes: Buffer = Buffer.from('age-encryption.org/v1 or not'),
): Promise<number> {
  const { messageId } = await old.client.sendDocument({
    chatId: String(machines.vault.chatId),
    fileName: 'shop_logs_20261124T053300Z_1b9d6bcd.log.00001.zst.age',
    bytes,
    caption: writeCaption({
      project: 'shop',
      type: 'logs',
      createdAt: new Date('2026-11-24T05:33:00Z'),
      sha256: 'a'.repeat(64),
      ...facts,
    }),
  })
  return messageId
}

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const part = (number: number, last = false): { kind: 'part'; number: number; last: boolean } => ({
  kind: 'part',
  number,
  last,
})

function deleteIndex(): void {
  const { emulator, chatId } = machines.vault
  const pinned = emulator.inspect.messages(chatId).find(message => message.pinned)
  emulator.asHuman.deleteMessage(chatId, pinned?.message_id ?? 0)
}

test.each(['with an index', 'without'])(
  'parts that name a known backup change nothing of it, %s',
  async how => {
    const { id, bytes } = await old.send(150_000)
    for (const number of [1, 2, 9_999_999]) await post({ backupId: id, content: part(number, number > 2) })
    if (how === 'without') deleteIndex()
    const before = await listMessages(old.database, id)
    const next = await machines.open()
    const report = await next.recover()
    expect(report.backups).toMatchObject([{ id, state: 'complete', findings: [] }])
    const rows = await listMessages(next.database, id)
    expect(rows.map(({ message_id }) => message_id)).toEqual(before.map(({ message_id }) => message_id))
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
    const again = await old.recover({ signers: [next.signer, old.signer] })
    expect(again.backups).toMatchObject([{ id, outcome: 'known' }])
    expect(await listMessages(old.database, id)).toHaveLength(before.length)
  },
)

test('a part that is far too high a number is not counted up to', async () => {
  const backupId = randomUUID()
  await post({ backupId, content: part(2) })
  await post({ backupId, content: part(9_999_999, true) })
  const locked = Buffer.from('age-encryption.org/v1\n')
  await post({ backupId, content: { kind: 'manifest' }, sha256: hashOf(locked) }, locked)
  const report = await old.recover({ identities: [], encryption: undefined })
  expect(report.backups).toMatchObject([{ id: backupId }])
  expect(report.backups[0]?.findings).toEqual(['part 1 is gone', 'parts 3 to 9999998 are gone'])
})

test('copies in a second chat count only with the hash and size that the manifest names', async () => {
  const { emulator } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  const replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] }).id
  const { id } = await old.send(150_000, { replicaChatId: String(replica) })
  const rows = (await listMessages(old.database, id)).filter(({ chat_id }) => chat_id === String(replica))
  const manifest = rows.find(({ kind }) => kind === 'manifest')
  // A false part right before a manifest that was sent again.
  const chatId = String(replica)
  const caption = emulator.inspect
    .messages(replica)
    .find(({ message_id }) => message_id === Number(manifest?.message_id))?.caption
  emulator.asHuman.deleteMessage(replica, Number(manifest?.message_id))
  const fact = { project: 'shop', type: 'database', createdAt: new Date(), backupId: id }
  for (const number of [1, 77]) {
    const content = part(number)
    const line = writeCaption({ ...fact, content, sha256: 'a'.repeat(64) })
    await old.client.sendDocument({ chatId, fileName: 'x', bytes: Buffer.from('x'), caption: line })
  }
  await old.client.sendStoredDocument({ chatId, fileId: manifest?.file_id ?? '', caption: caption ?? '' })
  const pinned = emulator.inspect.messages(replica).find(message => message.pinned)
  emulator.asHuman.deleteMessage(replica, pinned?.message_id ?? 0)
  const next = await machines.open({ chatId: replica })
  await next.recover()
  const parts = (await getBackupDetails(next.database, id))?.parts
  expect(parts?.map(({ message_id }) => message_id)).toEqual(
    rows.filter(({ kind }) => kind === 'part').map(({ message_id }) => message_id),
  )
})

test('a generation that only a caption names is not believed where something signed was read', async () => {
  await old.send(1000)
  const { catalogId } = await machines.index()
  const catalog = { id: catalogId, generation: 999_999_999 }
  await post({ backupId: randomUUID(), content: part(1), catalog })
  const next = await machines.open()
  const report = await next.recover()
  expect(report).toMatchObject({ owner: { catalogId }, indexFailure: null })
  expect(report.owner?.generation).toBeLessThan(900_000_000)
  await post({ backupId: randomUUID(), content: part(1), catalog })
  deleteIndex()
  const third = await machines.open()
  const { owner, indexFailure } = await third.recover({ signers: [old.signer] })
  expect(indexFailure).toBeNull()
  expect(owner?.generation).toBeLessThan(900_000_000)
  expect((await catalogIdentity(third.database)).catalogId).toBe(catalogId)
})

test('a backup that no catalog can hold is refused, and the others are recovered', async () => {
  const { id } = await old.send(1000)
  const { vault } = machines
  const index = await machines.index()
  const [entry] = index.backups
  if (entry === undefined) throw new Error('no entry')
  const bad = {
    ...entry,
    id: randomUUID(),
    project: '../up',
    manifest: { ...entry.manifest, messageId: 9999 },
  }
  const { recipient: to } = vault
  const encryption = { recipients: [to] }
  const bytes = await sealIndex(
    { ...index, backups: [bad, entry] },
    { encryption, signingKey: old.signingKey },
  )
  const { catalogId, generation, edition } = index
  const pinned = vault.emulator.inspect.messages(vault.chatId).find(message => message.pinned)
  await old.client.editDocument({
    chatId: String(vault.chatId),
    messageId: pinned?.message_id ?? 0,
    fileName: 'index.zst.age',
    bytes,
    caption: writeIndexCaption({ catalog: { id: catalogId, generation }, edition }),
  })
  const next = await machines.open()
  const report = await next.recover()
  expect(report.refused).toMatchObject([{ backupId: bad.id, reason: expect.stringContaining('no catalog') }])
  expect(report.backups.map(backup => backup.id)).toEqual([id])
})

test('what is signed but not encrypted is not believed unseen where there is a key', async () => {
  const { id } = await old.send(1000)
  const stranger = await machines.open()
  const file = await old.database.kysely.selectFrom('backup_parts').select('message_id').executeTakeFirst()
  const forged = await sealManifest(
    {
      format: 1,
      backup: { id: randomUUID(), project: 'shop', type: 'database', filename: 'shop.sql' },
      source: {},
      createdAt: '2026-11-24T05:33:00Z',
      completedAt: '2026-11-24T05:33:00Z',
      plainSize: 1,
      plainSha256: 'a'.repeat(64),
      archiveSize: 1,
      archiveSha256: 'a'.repeat(64),
      encrypted: false,
      partSizeBytes: 65_536,
      parts: [
        {
          ...{ number: 1, size: 1, sha256: 'a'.repeat(64), plainOffset: 0, plainSize: 1 },
          ...{ messageId: Number(file?.message_id), fileId: 'x' },
        },
      ],
    },
    { encryption: 'off', signingKey: stranger.signingKey },
  )
  const sha256 = hashOf(forged)
  const backupId = randomUUID()
  deleteIndex()
  await post({ backupId, content: { kind: 'manifest' }, sha256 }, forged)
  const next = await machines.open()
  const report = await next.recover()
  expect(report).toMatchObject({ signer: old.signer, owner: null, backups: [{ id }] })
  expect(report.refused).toMatchObject([{ backupId, reason: expect.stringContaining('not encrypted') }])
  expect(report.indexFailure).toContain('--signer')
  const told = await next.recover({ signers: [old.signer] })
  expect(told.indexFailure).toBeNull()
  expect(told.owner?.generation).toBeGreaterThan(1)
})
