import {
  beginRecovery,
  catalogIdentity,
  getBackupDetails,
  markErasing,
  updateBackup,
} from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isIncomplete } from '#recover/recovery-report.ts'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

/** People take a message out of the chat. */
function deleteMessage(messageId: number | null | undefined): void {
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, Number(messageId))
}

function indexMessage(): number | undefined {
  const { emulator, chatId } = machines.vault
  return emulator.inspect.messages(chatId).find(message => message.pinned)?.message_id
}

test('a catalog of before does not revive what was erased since, and keeps the last good backup', async () => {
  const erased = await old.send(1000)
  // A second machine stands for the one that went on: it has the chat, and erases the first backup there.
  const other = await machines.open()
  await other.recover()
  const kept = await other.send(1000)
  const details = await getBackupDetails(other.database, erased.id)
  deleteMessage(details?.manifest?.message_id)
  for (const part of details?.parts ?? []) deleteMessage(part.message_id)
  const lease = await markErasing(other.database, { backupId: erased.id, evenTheLast: false })
  await lease.release()
  await updateBackup(other.database, erased.id, { state: 'erased' })
  const third = await other.send(1000)

  const report = await old.recover()
  expect(report.notes.join(' ')).toContain(erased.id)
  expect(await getBackupDetails(old.database, erased.id)).toMatchObject({ state: 'erased' })
  expect((await machines.index()).backups.map(({ id }) => id)).toEqual([kept.id, third.id])
  expect((await old.fetch(third.id)).equals(third.bytes)).toBe(true)
})

test('what was recovered without the key becomes whole when the key is there', async () => {
  const sent = await old.send(150_000)
  const before = await getBackupDetails(old.database, sent.id)
  const next = await machines.open()
  const keyless = await next.recover({ identities: [] })
  expect(keyless).toMatchObject({ withoutKey: true })
  expect(await getBackupDetails(next.database, sent.id)).toMatchObject({ size: 0, recovered_trust: 0 })
  const report = await next.recover()
  expect(report.backups).toMatchObject([{ id: sent.id, outcome: 'bettered', size: 150_000 }])
  const { size, plain_sha256, expires_at, part_count, signer } = before ?? {}
  expect(await getBackupDetails(next.database, sent.id)).toMatchObject({
    ...{ size, plain_sha256, expires_at, part_count, signer, state: 'complete', recovered_trust: 1 },
  })
  expect((await machines.index()).backups.map(({ id }) => id)).toEqual([sent.id])
  expect((await next.fetch(sent.id)).equals(sent.bytes)).toBe(true)
})

test('a key that is named after a plain recover takes nothing away; what this machine signed since is believed as well', async () => {
  const sent = await old.send(1000)
  await sql`update control_plane.backups set source_name = 'shop-db', expiry_given = true`.execute(
    old.database.kysely,
  )
  await old.send(1000)
  const next = await machines.open()
  const plain = await next.recover()
  expect(plain).toMatchObject({ signer: old.signer, signerIsOwn: false, hasIndex: true })
  const report = await next.recover({ signers: [old.signer] })
  expect(report).toMatchObject({ notes: [], refused: [], indexFailure: null, signerIsOwn: true })
  expect(report.backups.map(({ outcome }) => outcome)).toEqual(['bettered', 'bettered'])
  const facts = { source_name: 'shop-db', expiry_given: true, recovered_trust: 2 }
  expect(await getBackupDetails(next.database, sent.id)).toMatchObject(facts)
  // A stranger's key is none that either of them vouches for.
  const stranger = await machines.open()
  const refused = await next.recover({
    signers: [stranger.signer],
    ownSigner: stranger.signer,
  })
  expect(refused).toMatchObject({ index: null, backups: [] })
})

test('without any index the plans are lost, and the report is not that of a whole recovery', async () => {
  const sent = await old.send(1000)
  deleteMessage(indexMessage())
  const next = await machines.open()
  const report = await next.recover()
  expect(report).toMatchObject({ hasIndex: false, backups: [{ id: sent.id, findings: [] }] })
  expect(isIncomplete(report)).toBe(true)
  expect(isIncomplete(await next.recover())).toBe(false)
})

test('a recovery that was broken off lets nothing be sent, also where no index is pinned', async () => {
  const { emulator, chatId } = machines.vault
  const sent = await old.send(1000)
  const next = await machines.open()
  await beginRecovery(next.database)
  emulator.asHuman.unpin(chatId)
  const messages = machines.vault.messageIds()
  await expect(next.send(1000)).rejects.toThrow(/not recovered to the end/)
  expect(machines.vault.messageIds()).toEqual(messages)
  await next.recover()
  expect(await catalogIdentity(next.database)).toMatchObject({ isRecovering: false })
  await next.send(1000)
  expect((await machines.index()).backups.map(({ id }) => id)).toContain(sent.id)
})

test('parts that are all there are a damaged backup, not garbage, where manifest and index are gone', async () => {
  const sent = await old.send(150_000)
  const details = await getBackupDetails(old.database, sent.id)
  deleteMessage(indexMessage())
  deleteMessage(details?.manifest?.message_id)
  const next = await machines.open()
  const report = await next.recover()
  expect(report.backups).toMatchObject([
    { id: sent.id, state: 'complete', findings: ['its manifest is gone'] },
  ])
  expect((await next.fetch(sent.id)).equals(sent.bytes)).toBe(true)
})

test('parts of which one is missing stay what an abandoned run has left', async () => {
  const sent = await old.send(150_000)
  const details = await getBackupDetails(old.database, sent.id)
  for (const id of [indexMessage(), details?.manifest?.message_id, details?.parts[0]?.message_id])
    deleteMessage(id)
  const next = await machines.open()
  const report = await next.recover()
  expect(report.backups).toMatchObject([{ id: sent.id, state: 'failed' }])
})
