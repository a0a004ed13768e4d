import { acquireLease, getBackupDetails, listMessages, markPart } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reconcile } from '#reconcile/reconcile.ts'
import type { SessionReport } from '#session/report.ts'
import { sessionOf } from '#test/recover/session-of.ts'

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
async function reconcileBy(machine: Machine): Promise<SessionReport> {
  return await reconcile(sessionOf(machine, machines.vault, replica))
}

/** As it is, with its caption; gives the id of the copy. */
async function copyToReplica(messageId: number | null | undefined): Promise<number> {
  const { emulator, token, chatId } = machines.vault
  const response = await fetch(`${emulator.url}/bot${token}/copyMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ chat_id: replica, from_chat_id: chatId, message_id: messageId }),
  })
  const { result } = (await response.json()) as { result: { message_id: number } }
  return result.message_id
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
      expect((await machines.index(replica)).generation).toBe((await machines.index()).generation)
      expect((await machines.index()).generation).toBeGreaterThan(1)
      const reconciled = await reconcileBy(next)
      expect(reconciled).toMatchObject({ copied: [], mended: [], pending: [] })
      await expectBothWhole(next)
      expect((await getBackupDetails(next.database, first.id))?.damaged_at).toBeNull()
    },
  )

  test('that lacks a part and has parts of an abandoned run: the part is repaired, the others go', async () => {
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
    const reconciled = await reconcileBy(next)
    expect(reconciled.mended).toMatchObject([{ backup_id: id, part_no: 2, chat_id: String(replica) }])
    expect(reconciled.copied).toEqual([])
  })

  test('to which a part was copied, and then nobody came with the rest: only the rest is copied', async () => {
    await sendToBoth(1000)
    const { id } = await old.send(150_000)
    const rows = await listMessages(old.database, id)
    const first = rows.find(row => row.part_no === 1)
    const copied = await copyToReplica(first?.message_id)
    // The oldest of each counts; a copy of it is told of.
    const again = await copyToReplica(first?.message_id)
    const next = await machines.open()
    const report = await next.recover({ replicaChat: String(replica) })
    const told = report.secondChat?.report
    expect(told?.backups.find(backup => backup.id === id)).toMatchObject({
      ...{ outcome: 'merged', parts: 1, findings: [], isDamaged: false },
    })
    expect(told?.notes).toEqual([
      expect.stringMatching(`^Message ${again} is a copy of a message of this program`),
    ])
    const reconciled = await reconcileBy(next)
    expect(reconciled.copied.map(({ kind, part_no }) => `${kind} ${part_no}`)).toEqual([
      ...rows.filter(({ part_no }) => part_no > 1).map(({ part_no }) => `part ${part_no}`),
      'manifest 0',
    ])
    expect(reconciled).toMatchObject({ mended: [], pending: [] })
    const copies = await listMessages(next.database, id)
    expect(copies.find(row => row.chat_id === String(replica) && row.part_no === 1)).toMatchObject({
      ...{ message_id: copied, state: 'sent', plain_offset: first?.plain_offset },
    })
  })

  test('whose begun copy a killed recovery did not come to: the next one takes it for that', async () => {
    await sendToBoth(1000)
    const { emulator } = machines.vault
    // No index names it, and what the killed recovery has read in the first chat is not read there again.
    const outage = { kind: 'error', errorCode: 400, description: 'Bad Request: try later' } as const
    emulator.faults.on('editMessageMedia', { calls: 99 }, outage)
    const { id } = await old.send(150_000)
    emulator.faults.clear()
    const rows = await listMessages(old.database, id)
    const first = rows.find(row => row.part_no === 1)
    const copied = await copyToReplica(first?.message_id)
    const next = await machines.open()
    const dead = new AbortController()
    const unwatch = emulator.watch(({ parameters }) => {
      if (parameters['chat_id'] === String(replica)) dead.abort()
    })
    await expect(next.recover({ replicaChat: String(replica), signal: dead.signal })).rejects.toThrow()
    unwatch()
    expect(await getBackupDetails(next.database, id)).toMatchObject({ state: 'complete', recovered_trust: 1 })
    const report = await next.recover({ replicaChat: String(replica) })
    const told = report.secondChat?.report
    expect(told?.backups.find(backup => backup.id === id)).toMatchObject({ outcome: 'merged', parts: 1 })
    const reconciled = await reconcileBy(next)
    expect(reconciled.copied.map(({ kind, part_no }) => `${kind} ${part_no}`)).toEqual([
      ...rows.filter(({ part_no }) => part_no > 1).map(({ part_no }) => `part ${part_no}`),
      'manifest 0',
    ])
    const copies = await listMessages(next.database, id)
    expect(copies.find(row => row.chat_id === String(replica) && row.part_no === 1)).toMatchObject({
      ...{ message_id: copied, state: 'sent' },
    })
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
    expect((await reconcileBy(next)).copied).toEqual([])
    expect(emulator.inspect.messages(replica)).toHaveLength(before)
    await next.recover({ replicaChat: String(replica) })
    expect(await reconcileBy(next)).toMatchObject({ copied: [], pending: [] })
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
  expect(report.backups[0]?.findings.join()).toContain('another process works on it')
  await markPart(old.database, {
    ...{ backupId: id, chatId: String(machines.vault.chatId), kind: 'part', partNumber: 2 },
    state: 'missing',
  })
})
