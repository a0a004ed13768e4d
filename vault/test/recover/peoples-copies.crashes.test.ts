import { listMessages } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eraseBackup } from '#erase/erase-backup.ts'
import { sessionOf } from '#test/recover/session-of.ts'

// Somebody copies a message of ours, the same words and the same bytes; a channel does not tell who.

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

async function copy(messageId: number): Promise<number> {
  const { emulator, chatId } = machines.vault
  const message = emulator.inspect.messages(chatId).find(({ message_id }) => message_id === messageId)
  if (message?.caption === undefined || message.document === undefined) throw new Error('no document')
  const bytes = await emulator.inspect.documentBytes(chatId, messageId)
  const document = { fileName: message.document.file_name, bytes }
  return await emulator.asHuman.post(chatId, { caption: message.caption, document })
}

function indexMessage(): number {
  const { emulator, chatId } = machines.vault
  return emulator.inspect.messages(chatId).findLast(({ pinned }) => pinned)?.message_id ?? 0
}

function deleteIndex(): void {
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, indexMessage())
}

const places = async ({ database }: Machine, id: string): Promise<(number | null)[]> =>
  (await listMessages(database, id)).map(({ message_id }) => message_id)

async function manifestOf({ database }: Machine, id: string): Promise<number> {
  const rows = await listMessages(database, id)
  return Number(rows.find(({ kind }) => kind === 'manifest')?.message_id)
}

async function erase(machine: Machine, backupId: string): Promise<void> {
  const { isErased } = await eraseBackup(sessionOf(machine, machines.vault), {
    backupId,
    evenTheLast: false,
  })
  expect(isErased).toBe(true)
}

describe('without an index', () => {
  test('a copy of a manifest is not taken for it, and hides no backup that came between', async () => {
    const sent = []
    for (let backups = 0; backups < 4; backups++) sent.push(await old.send(70_000))
    const [first, second] = sent
    const theirs = await copy(await manifestOf(old, second?.id ?? ''))
    const before = await Promise.all(sent.map(({ id }) => places(old, id)))
    deleteIndex()
    const next = await machines.open()
    const report = await next.recover()
    expect(report).toMatchObject({ indexFailure: null, refused: [] })
    expect(report.backups.map(({ id }) => id).sort()).toEqual(sent.map(({ id }) => id).sort())
    expect(report.backups.flatMap(({ findings }) => findings)).toEqual([])
    expect(await Promise.all(sent.map(({ id }) => places(next, id)))).toEqual(before)
    expect(report.notes.join()).toContain(`Message ${theirs} is a copy of a message of this program`)
    await erase(next, second?.id ?? '')
    expect(machines.vault.messageIds()).toContain(theirs)
    expect((await next.fetch(first?.id ?? '')).equals(first?.bytes ?? Buffer.alloc(0))).toBe(true)
  })

  test('copies that a second chat has are not taken for what the program copied', async () => {
    const { emulator } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    const replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] }).id
    const { id } = await old.send(150_000, { replicaChatId: String(replica) })
    const copies = (await listMessages(old.database, id)).filter(row => row.chat_id === String(replica))
    for (const { message_id, kind, part_no } of copies) {
      if (kind === 'part' && part_no !== 2) continue
      const bytes = await emulator.inspect.documentBytes(replica, Number(message_id))
      const of = emulator.inspect.messages(replica).find(message => message.message_id === Number(message_id))
      const document = { fileName: of?.document?.file_name ?? '', bytes }
      await emulator.asHuman.post(replica, { caption: of?.caption ?? '', document })
    }
    const pinned = emulator.inspect.messages(replica).findLast(message => message.pinned)
    emulator.asHuman.deleteMessage(replica, pinned?.message_id ?? 0)
    const next = await machines.open({ chatId: replica })
    await next.recover()
    expect(await places(next, id)).toEqual(copies.map(({ message_id }) => message_id))
  })
})

describe('a copy of the index', () => {
  test.each(['that is pinned', 'that is the newest message'])('%s is not made the index', async how => {
    await old.send(1000)
    const index = indexMessage()
    const theirs = await copy(index)
    const { emulator, chatId } = machines.vault
    const { id } = await old.send(1000)
    if (how === 'that is pinned') emulator.asHuman.pin(chatId, theirs)
    else {
      emulator.asHuman.unpin(chatId)
      await copy(index)
    }
    const theirBytes = await emulator.inspect.documentBytes(chatId, theirs)
    const next = await machines.open()
    const report = await next.recover()
    expect(report).toMatchObject({ indexFailure: null, index: { messageId: index } })
    expect(report.backups.map(backup => backup.id)).toContain(id)
    expect((await emulator.inspect.documentBytes(chatId, theirs)).equals(theirBytes)).toBe(true)
  })
})

describe('what was erased', () => {
  test.each(['with an index', 'without'])('does not come back by a copy of its manifest, %s', async how => {
    const kept = await old.send(1000)
    const { id } = await old.send(70_000)
    await old.send(1000)
    const theirs = await copy(await manifestOf(old, id))
    // Then its messages are replaced, which a chat without an index remembers.
    machines.vault.emulator.clock.advance(how === 'without' ? 49 * 3600 * 1000 : 0)
    await erase(old, id)
    if (how === 'without') deleteIndex()
    const next = await machines.open()
    const report = await next.recover()
    expect(report.backups.map(backup => backup.id)).not.toContain(id)
    expect(report.backups.map(backup => backup.id)).toContain(kept.id)
    expect(machines.vault.messageIds()).toContain(theirs)
    expect(report.notes.join()).toContain(`Message ${theirs} is a copy of a message of this program`)
  })
})
