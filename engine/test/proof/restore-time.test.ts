import fc from 'fast-check'
import { expect, it } from 'vitest'
import { durationsOf, estimateRestore, type MeasuredRestore } from '#proof/restore-time.ts'

const measured = (fields: Partial<MeasuredRestore> = {}): MeasuredRestore => ({
  ...{ verification_id: 'v', backup_id: 'b', at: new Date(0), archive_size: 100, size: 1000 },
  phases: { fetch_seconds: 10, open_seconds: 2, restore_seconds: 30, compare_seconds: 99 },
  ...fields,
})

it('takes the phases of a restore, without the comparison; more bytes take longer', () => {
  expect(estimateRestore([], { archive_size: 1, size: 1 })).toBeNull()
  expect(estimateRestore([measured()], { archive_size: 100, size: 1000 })).toEqual({
    ...{ seconds: 42, verification_id: 'v', backup_id: 'b', measured_at: new Date(0) },
  })
  expect(estimateRestore([measured()], { archive_size: 200, size: 3000 })?.seconds).toBe(24 + 90)
  expect(estimateRestore([measured()], { archive_size: 50, size: 10 })?.seconds).toBe(6 + 30)
})

it('says the slowest of the newest three', () => {
  const slow = { fetch_seconds: 100, open_seconds: 0, restore_seconds: 0, compare_seconds: 0 }
  const drills = [measured(), measured(), measured({ phases: slow, verification_id: 'slow' })]
  expect(estimateRestore(drills, measured())).toMatchObject({ seconds: 100, verification_id: 'slow' })
  expect(estimateRestore([measured(), ...drills], measured())).toMatchObject({ seconds: 42 })
})

it('never estimates less for a larger backup, whatever was measured', () => {
  const size = fc.integer({ min: 0, max: 1e12 })
  const seconds = fc.double({ min: 0, max: 1e5, noNaN: true })
  const drill = fc.record({
    ...{ archive_size: size, size },
    phases: fc.record({
      ...{ fetch_seconds: seconds, open_seconds: seconds },
      ...{ restore_seconds: seconds, compare_seconds: seconds },
    }),
  })
  fc.assert(
    fc.property(fc.array(drill, { minLength: 1 }), size, size, (drills, archive_size, plain) => {
      const all = drills.map(one => measured(one))
      const small = estimateRestore(all, { archive_size, size: plain })?.seconds ?? -1
      const large = estimateRestore(all, { archive_size: archive_size * 2, size: plain * 2 })?.seconds ?? -1
      expect(small).toBeGreaterThanOrEqual(0)
      expect(large).toBeGreaterThanOrEqual(small)
    }),
  )
})

it('reads the phases of a report, and nothing else', () => {
  const { phases } = measured()
  expect(durationsOf({ phases })).toEqual(phases)
  for (const wrong of [
    null,
    {},
    { phases: null },
    { phases: 1 },
    { phases: { ...phases, open_seconds: '1' } },
  ])
    expect(durationsOf(wrong)).toBeUndefined()
})
