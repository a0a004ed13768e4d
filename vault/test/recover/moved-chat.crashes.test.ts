import { listMessages, openSends } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// A basic group that has become a supergroup: another id, message ids from 1 on, and the old messages where
// they were.

let machines: Machines
let group: number
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  const { emulator } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  group = emulator.createChat({ type: 'group', title: 'Group', administrators: [{ bot }] }).id
  old = await machines.open({ chatId: group })
})

afterEach(() => machines.close())

const move = (): Promise<number> => machines.vault.emulator.asHuman.migrate(group)

describe('a group that has become a supergroup', () => {
  test('is recovered by its old id, and from then on by the new one alone', async () => {
    const sent = await old.send(150_000)
    const moved = await move()
    const next = await machines.open({ chatId: moved })
    const report = await next.recover({ chat: String(group) })
    expect(report).toMatchObject({ chatId: String(moved), indexFailure: null })
    expect(report.backups).toMatchObject([{ id: sent.id, state: 'complete', findings: [] }])
    expect((await next.fetch(sent.id)).equals(sent.bytes)).toBe(true)
    const index = await machines.index(moved)
    expect(index.movedFrom).toEqual([String(group)])
    expect(index.generation).toBeGreaterThan(1)
    const third = await machines.open({ chatId: moved })
    const again = await third.recover()
    expect(again.backups).toMatchObject([{ id: sent.id, outcome: 'added', findings: [] }])
    expect((await third.fetch(sent.id)).equals(sent.bytes)).toBe(true)
    expect((await machines.index(moved)).movedFrom).toEqual([String(group)])
  })

  test('that was sent to before and after is recovered whole by the new id', async () => {
    const before = await old.send(1000)
    const moved = await move()
    const after = await old.send(1000)
    const next = await machines.open({ chatId: moved })
    const report = await next.recover()
    expect(report.backups.map(({ id }) => id).sort()).toEqual([before.id, after.id].sort())
    for (const sent of [before, after]) expect((await next.fetch(sent.id)).equals(sent.bytes)).toBe(true)
  })

  test('gives parts by messages that lie under the old id, and leaves no copy', async () => {
    const sent = await old.send(150_000)
    const moved = await move()
    await old.database.kysely.updateTable('backup_parts').set({ bot_id: null }).execute()
    expect((await old.fetch(sent.id)).equals(sent.bytes)).toBe(true)
    const rows = await listMessages(old.database, sent.id)
    expect(rows.filter(({ bot_id }) => bot_id === old.client.botId)).toHaveLength(4)
    expect(await openSends(old.database, {})).toEqual([])
    const left = machines.vault.emulator.inspect.messages(moved).filter(message => message.document)
    expect(left).toEqual([])
  })
})
