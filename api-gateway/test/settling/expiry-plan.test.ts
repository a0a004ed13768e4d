import type { Backup } from '@telegram-backup/database'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { planExpiry } from '#settling/expiry-plan.ts'

const NOW = new Date('2026-11-24T05:33:00Z')

/** Only what the plan looks at. */
const aBackup = fc
  .record({
    id: fc.uuid(),
    project_id: fc.constantFrom('shop', 'blog'),
    type: fc.constantFrom('database' as const, 'storage' as const),
    state: fc.constantFrom('complete' as const, 'failed' as const, 'erasing' as const),
    created_at: fc.date({ min: new Date('2026-01-01'), max: NOW, noInvalidDate: true }),
    expires_at: fc.date({ min: new Date('2026-06-01'), max: new Date('2027-06-01'), noInvalidDate: true }),
    damaged_at: fc.option(fc.constant(NOW), { nil: null }),
  })
  .map(fields => fields as Backup)

it('decides over each complete backup whose time has come, and over no other', () => {
  fc.assert(
    fc.property(fc.array(aBackup, { maxLength: 30 }), backups => {
      const decided = planExpiry(backups, NOW).map(({ backup }) => backup)
      expect(decided).toEqual(
        backups.filter(({ state, expires_at }) => state === 'complete' && expires_at <= NOW),
      )
    }),
  )
})

it('leaves of each project and type the newest complete backup, an undamaged one if there is one', () => {
  fc.assert(
    fc.property(fc.array(aBackup, { maxLength: 30 }), backups => {
      const going = new Set(
        planExpiry(backups, NOW)
          .filter(({ decision }) => decision === 'erase')
          .map(({ backup }) => backup),
      )
      const complete = backups.filter(({ state }) => state === 'complete')
      for (const group of Map.groupBy(complete, ({ project_id, type }) => project_id + type).values()) {
        const left = group.filter(backup => !going.has(backup))
        expect(left).not.toEqual([])
        const sound = group.filter(({ damaged_at }) => damaged_at === null)
        const newest = Math.max(
          ...(sound.length > 0 ? sound : group).map(({ created_at }) => created_at.getTime()),
        )
        expect(left.some(({ created_at }) => created_at.getTime() === newest)).toBe(true)
      }
    }),
  )
})
