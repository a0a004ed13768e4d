import { acquireLease, getBackupDetails, listMessages, markPart } from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCatalogVault } from '#lib/backups/catalog-vault.ts'
import { ChatGates } from '#settling/chat-gates.ts'
import { reconcile } from '#settling/reconcile.ts'
import type { Settling } from '#settling/settling.ts'
import { SettlingReport } from '#settling/settling-report.ts'
import { expectNothingLost } from '#test/nothing-lost.ts'
import { type Machine, type Machines, openMachines } from '#test/recovery/machines.ts'

let machines: Machines
let old: Machine
let replica: number

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
  const { emulator } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] }).id
})

afterEach(() => machines.close())

const sendToBoth = (size: number): Promise<{ id: string; bytes: Buffer }> =>
  old.send(size, { replicaChatId: String(replica) })

/** A reconcile by that machine, with both chats. */
async function settle({ client, database, signingKey }: Machine): Promise<SettlingReport> {
  const { chatId, recipient } = machines.vault
  const vault = createCatalogVault(database)
  const { signal } = new AbortController()
  const settling: Settling = {
    client,
    database,
    vault,
    signal,
    chatId: String(chatId),
    replicaChatId: String(replica),
    indexSeal: { encryption: { recipients: [recipient] }, signingKey },
    gates: new ChatGates({ client, vault, signal }),
    report: new SettlingReport(),
    say: () => {},
  }
  return await reconcile(settling)
}

async function expectBothWhole({ database }: Machine): Promise<void> {
  for (const chatId of [machines.vault.chatId, replica]) {
    await expectNothingLost(machines.vault, { database, chatId })
  }
}

describe('the second chat', () => {
  test.each(['with its index', 'without its index'])(
    '%s is recovered, and nothing copied again',
    async how => {
      const first = await sendToBoth(150_000)
      await sendToBoth(1000)
      const { emulator } = machines.vault
      if (how === 'without its index') {
        const index = emulator.inspect.messages(replica).find(message => message.pinned)
        emulator.asHuman.deleteMessage(replica, index?.message_id ?? 0)
      }
      const next = await machines.open()
      const report = await next.recover({ replicaChat: String(replica) })
      expect(report).toMatchObject({ indexFailure: null, refused: [], secondChat: { failure: null } })
      expect(report.backups.map(({ outcome, findings }) => [outcome, findings])).toEqual([
        ['added', []],
        ['added', []],
      ])
      const second = report.secondChat?.report
      expect(second).toMatchObject({ chatId: String(replica), indexFailure: null, owner: report.owner })
      expect(second?.backups.map(({ outcome, findings }) => [outcome, findings])).toEqual([
        ['merged', []],
        ['merged', []],
      ])
      const placesOf = async ({ database }: Machine) =>
        (await listMessages(database, first.id)).map(row => [
          row.chat_id,
          row.kind,
          row.part_no,
          row.message_id,
        ])
      expect((await placesOf(next)).sort()).toEqual((await placesOf(old)).sort())
      expect(await machines.index(replica)).toMatchObject({ generation: 2 })
      const settled = await settle(next)
      expect(settled).toMatchObject({ copied: [], mended: [], pending: [] })
      await expectBothWhole(next)
      expect((await getBackupDetails(next.database, first.id))?.damaged_at).toBeNull()
    },
  )

  test('that lacks a part and the parts of a dead run: the one is mended, the others go', async () => {
    const { id } = await sendToBoth(150_000)
    const rows = await listMessages(old.database, id)
    const lost = rows.find(({ chat_id, part_no }) => chat_id === String(replica) && part_no === 2)
    machines.vault.emulator.asHuman.deleteMessage(replica, Number(lost?.message_id))
    const dead = await sendToBoth(1000)
    for (const chatId of [machines.vault.chatId, replica]) {
      const messages = await listMessages(old.database, dead.id)
      const manifest = messages.find(row => row.chat_id === String(chatId) && row.kind === 'manifest')
      machines.vault.emulator.asHuman.deleteMessage(chatId, Number(manifest?.message_id))
    }
    const next = await machines.open()
    const report = await next.recover({ replicaChat: String(replica) })
    const found = report.secondChat?.report?.backups.find(backup => backup.id === id)
    expect(found?.findings).toEqual([`part 2 (message ${lost?.message_id}) is gone`])
    expect((await getBackupDetails(next.database, id))?.damaged_at).toBeNull()
    const settled = await settle(next)
    expect(settled.mended).toMatchObject([{ backup_id: id, part_no: 2, chat_id: String(replica) }])
    expect(settled.copied).toEqual([])
  })

  test('that cannot be reached is named, and not filled until it was recovered', async () => {
    await sendToBoth(1000)
    const { emulator } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    emulator.asHuman.kick(replica, bot)
    const next = await machines.open()
    const report = await next.recover({ replicaChat: String(replica) })
    expect(report).toMatchObject({ indexFailure: null, secondChat: { report: null } })
    expect(report.secondChat?.failure).toBeTruthy()
    emulator.asHuman.promote(replica, bot)
    const before = emulator.inspect.messages(replica).length
    expect((await settle(next)).copied).toEqual([])
    expect(emulator.inspect.messages(replica)).toHaveLength(before)
    await next.recover({ replicaChat: String(replica) })
    expect(await settle(next)).toMatchObject({ copied: [], pending: [] })
    await expectBothWhole(next)
  })

  test('of another catalog is left alone', async () => {
    await old.send(1000)
    const stranger = await machines.open({ chatId: replica })
    await stranger.send(1000)
    const next = await machines.open()
    const report = await next.recover({ replicaChat: String(replica) })
    expect(report.secondChat).toMatchObject({
      report: null,
      failure: expect.stringMatching(/another catalog/),
    })
    await stranger.send(1000)
  })

  test('alone holds all when the first one is empty', async () => {
    const { id, bytes } = await sendToBoth(100_000)
    const { emulator } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    const fresh = emulator.createChat({ type: 'channel', title: 'New', administrators: [{ bot }] })
    const next = await machines.open({ chatId: fresh.id })
    const report = await next.recover({ replicaChat: String(replica) })
    expect(report.secondChat?.report?.backups).toMatchObject([{ id, outcome: 'added', findings: [] }])
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
    expect(emulator.inspect.messages(fresh.id).filter(message => message.document)).toEqual([])
    await next.send(1000)
  })
})

test('a backup that somebody is at work on is left to him, and the others are recovered', async () => {
  const { id } = await old.send(150_000)
  const other = await old.send(1000)
  const rows = await listMessages(old.database, id)
  const lost = rows.find(({ part_no }) => part_no === 2)
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, Number(lost?.message_id))
  const lease = await acquireLease(old.database, { subject: id, purpose: 'restore' })
  const report = await old.recover()
  await lease?.release()
  expect(report.backups.map(backup => backup.id)).toEqual([id, other.id])
  expect(report.backups[0]?.findings.join()).toContain('somebody is at work')
  await markPart(old.database, {
    ...{ backupId: id, chatId: String(machines.vault.chatId), kind: 'part', partNo: 2 },
    state: 'missing',
  })
})
