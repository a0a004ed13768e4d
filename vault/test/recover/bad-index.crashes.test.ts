import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { loadOrCreateSigningKey, recipientOf, sealIndex, signerFingerprint } from '@telegram-backup/archive'
import { getBackupDetails } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { writeIndexCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, expect, test } from 'vitest'

// Every way in which the pinned index can lead astray; recover gets both backups back all the same.

let machines: Machines
let old: Machine
let sent: { id: string; bytes: Buffer }[]

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
  sent = [await old.send(100_000), await old.send(1000)]
})

afterEach(() => machines.close())

function indexMessage(): number {
  const { emulator, chatId } = machines.vault
  return emulator.inspect.messages(chatId).find(message => message.pinned)?.message_id ?? 0
}

async function replaceIndex(bytes: Buffer, caption?: string): Promise<void> {
  const { catalogId, generation, edition } = await machines.index()
  await old.client.editDocument({
    chatId: String(machines.vault.chatId),
    messageId: indexMessage(),
    fileName: 'index.zst.age',
    bytes,
    caption: caption ?? writeIndexCaption({ catalog: { id: catalogId, generation }, edition }),
  })
}

async function signedByAnother(): Promise<string> {
  const { vault } = machines
  const key = await loadOrCreateSigningKey(join(vault.folder, 'another.pem'))
  const index = { ...(await machines.index()), backups: [] }
  const encryption = { recipients: [await recipientOf(vault.identity)] }
  await replaceIndex(await sealIndex(index, { encryption, signingKey: key }))
  return signerFingerprint(key)
}

const BAD_WAYS: Record<string, () => Promise<unknown> | unknown> = {
  'is unpinned': () => machines.vault.emulator.asHuman.unpin(machines.vault.chatId),
  'is deleted': () => machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, indexMessage()),
  'is hidden by a newer pin of a person': async () => {
    const { emulator, chatId } = machines.vault
    emulator.asHuman.pin(chatId, await emulator.asHuman.post(chatId, { text: 'read this' }))
  },
  'is damaged': () => replaceIndex(randomBytes(2000)),
  'is encrypted for another key': async () => {
    const { generateIdentity } = await import('@telegram-backup/archive')
    const { recipient } = await generateIdentity()
    const signingKey = await loadOrCreateSigningKey(join(machines.vault.folder, 'another.pem'))
    const index = await machines.index()
    await replaceIndex(await sealIndex(index, { encryption: { recipients: [recipient] }, signingKey }))
  },
  'is stale': async () => {
    const { emulator, chatId } = machines.vault
    const bytes = await emulator.inspect.documentBytes(chatId, indexMessage())
    sent.push(await old.send(2000))
    await replaceIndex(bytes)
  },
  'is that of another chat': async () => {
    const signingKey = await loadOrCreateSigningKey(join(machines.vault.folder, 'another.pem'))
    const encryption = { recipients: [await recipientOf(machines.vault.identity)] }
    const index = { ...(await machines.index()), chatId: '-1009', backups: [] }
    await replaceIndex(await sealIndex(index, { encryption, signingKey }))
  },
}

test.each(Object.keys(BAD_WAYS))('the index %s', async way => {
  await BAD_WAYS[way]?.()
  const next = await machines.open()
  const report = await next.recover()
  expect(report).toMatchObject({ refused: [], indexFailure: null })
  expect(report.backups.flatMap(({ findings }) => findings)).toEqual([])
  expect(report.backups.map(({ id }) => id).sort()).toEqual(sent.map(({ id }) => id).sort())
  for (const { id, bytes } of sent) expect((await next.fetch(id)).equals(bytes)).toBe(true)
  const details = await getBackupDetails(next.database, sent[0]?.id ?? '')
  const before = await getBackupDetails(old.database, sent[0]?.id ?? '')
  expect(details?.expires_at).toEqual(before?.expires_at)
  // A pin of people hides whose the chat is until the index is about to be replaced.
  if (!way.startsWith('is hidden')) await expect(old.send(1000)).rejects.toThrow(/taken over|another catalog/)
  await next.send(1000)
  const again = await machines.open()
  expect((await again.recover()).backups).toHaveLength(sent.length + 1)
})

test('the index is forged: it is believed unseen, but not against the word of a person', async () => {
  const forger = await signedByAnother()
  const next = await machines.open()
  const report = await next.recover({ signers: [old.signer] })
  expect(report).toMatchObject({ signer: old.signer, signerWasGiven: true, index: null, refused: [] })
  expect(report.notes.join()).toContain(forger)
  expect(report.backups.map(({ id }) => id).sort()).toEqual(sent.map(({ id }) => id).sort())
})

test('manifests of two signers are not decided on without the word of a person', async () => {
  const { emulator, chatId } = machines.vault
  const other = await machines.open({ database: old.database })
  const theirs = await other.send(1000)
  emulator.asHuman.deleteMessage(chatId, indexMessage())
  const next = await machines.open()
  const undecided = await next.recover()
  expect(undecided).toMatchObject({ signer: other.signer, owner: null, backups: [{ id: theirs.id }] })
  expect(undecided.refused).toHaveLength(2)
  expect(emulator.inspect.messages(chatId).some(message => message.pinned)).toBe(false)
  const decided = await next.recover({ signers: [old.signer, other.signer] })
  expect(decided).toMatchObject({ refused: [], indexFailure: null })
  expect(decided.backups).toHaveLength(3)
})

test('manifests of another signer are named and left out', async () => {
  machines.vault.emulator.asHuman.unpin(machines.vault.chatId)
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, 2)
  const next = await machines.open()
  const report = await next.recover({ signers: [`SHA256:${randomUUID()}`] }).catch((error: unknown) => error)
  expect(report).toMatchObject({ backups: [], owner: null })
  expect((report as { refused: { reason: string }[] }).refused.map(({ reason }) => reason)).toEqual([
    expect.stringContaining(old.signer),
    expect.stringContaining(old.signer),
  ])
})
