import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

test.each(['index', 'manifest'])(
  'a bit that is turned on the way says nothing against the %s',
  async what => {
    const { id, bytes } = await old.send(1000)
    const next = await machines.open()
    const call = what === 'index' ? 1 : 2
    machines.vault.emulator.faults.on('download', { call, calls: 1 }, { kind: 'flip-bit', offset: 250 })
    const report = await next.recover()
    expect(report).toMatchObject({ index: { foundBy: 'pin' }, notes: [], refused: [], indexFailure: null })
    expect(report.backups).toMatchObject([{ id, findings: [] }])
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
  },
)

test('one that is turned in a manifest of the chain neither', async () => {
  const { id } = await old.send(1000)
  const { emulator, chatId } = machines.vault
  const pinned = emulator.inspect.messages(chatId).find(message => message.pinned)
  emulator.asHuman.deleteMessage(chatId, pinned?.message_id ?? 0)
  const next = await machines.open()
  emulator.faults.on('download', { call: 1, calls: 1 }, { kind: 'flip-bit', offset: 250 })
  const report = await next.recover()
  expect(report).toMatchObject({ index: null, refused: [], indexFailure: null })
  expect(report.backups).toMatchObject([{ id, findings: [] }])
})
