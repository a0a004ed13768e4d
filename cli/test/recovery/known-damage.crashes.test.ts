import { markDamaged } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { isIncomplete } from '@telegram-backup/vault/recover/recovery-report.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeRecovery, recoveryAnswer } from '#commands/recover-report.ts'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

test('a backup that the index tells to be damaged is told as damaged, though nothing of it is missing', async () => {
  const { id } = await old.send(1000)
  await markDamaged(old.database, { backupId: id, error: 'part 1 is not what was sent' })
  const whole = await old.send(1000)
  const next = await machines.open()
  // The second time it is known.
  for (const outcome of ['added', 'known']) {
    const report = await next.recover()
    expect(report.backups).toMatchObject([
      { id, outcome, isDamaged: true, findings: [] },
      { id: whole.id, isDamaged: false },
    ])
    const lines = describeRecovery(report).split('\n')
    expect(lines.find(line => line.startsWith(id))).toContain('complete, damaged')
    expect(lines.join('\n')).toContain(`damaged: ${id}: an earlier check found it damaged`)
    expect(recoveryAnswer(report)).toMatchObject({ backups: [{ damaged: true }, { damaged: false }] })
    expect(isIncomplete(report)).toBe(true)
  }
})

test('a backup of which the send left something out is told as not whole, also when it is known', async () => {
  const { id } = await old.send(1000, {
    readFrom: bytes => ({
      archiveSource: bytes,
      filename: 'tree.tar',
      sizeBytes: undefined,
      facts: { kind: 'directory' },
      finish: async () => ({
        facts: { skipped_count: 2, skipped: [{ path: 'a', reason: 'unreadable' }] },
      }),
      close: async () => {},
    }),
  })
  const next = await machines.open()
  for (const outcome of ['added', 'known']) {
    const report = await next.recover()
    expect(report.backups).toMatchObject([{ id, outcome, isDamaged: false, missing: '2 files missing' }])
    expect(describeRecovery(report)).toContain('complete, 2 files missing')
    expect(recoveryAnswer(report)).toMatchObject({ backups: [{ missing: '2 files missing' }] })
  }
})
