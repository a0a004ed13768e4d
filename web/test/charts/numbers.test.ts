import { describe, expect, it } from 'vitest'
import { medianOf } from '#charts/median.ts'
import { growthOf, linePoints } from '#charts/scale.ts'
import { vaultGrowth } from '#charts/vault-growth.ts'

describe('numbers of the charts', () => {
  it('draws a line from zero, so that a small change looks small', () => {
    const box = { width: 100, height: 20, margin: 0 }
    const line = linePoints(
      [
        { at: 0, value: 100 },
        { at: 10, value: 90 },
      ],
      box,
    )
    expect(line).toEqual([
      [0, 0],
      [100, 2],
    ])
  })

  it('draws values that are all nothing at the bottom', () => {
    const points = [0, 1, 2].map(at => ({ at, value: 0 }))
    const line = linePoints(points, { width: 10, height: 10, margin: 0 })
    expect(line.map(([, y]) => y)).toEqual([10, 10, 10])
  })

  it('knows no growth without something to compare with', () => {
    expect(growthOf([5])).toBeUndefined()
    expect(growthOf([0, 5])).toBeUndefined()
    expect(growthOf([100, 300, 112])).toBeCloseTo(0.12)
  })

  it('takes the lower of two middle values as the usual one', () => {
    expect(medianOf([9, 1, 3, 2])).toBe(2)
    expect(medianOf([])).toBe(0)
  })

  it('adds up what exists by day and group, with the largest first and without gaps', () => {
    const backups = [
      { created_at: '2026-11-30T10:00:00Z', size: 5, group: 'shop' },
      { created_at: '2026-12-02T10:00:00Z', size: 7, group: 'shop' },
      { created_at: '2026-12-01T10:00:00Z', size: 100, group: 'ops' },
    ]
    expect(vaultGrowth(backups, { zone: 'UTC', until: new Date('2026-12-03T00:30:00Z') })).toEqual({
      days: ['2026-11-30', '2026-12-01', '2026-12-02', '2026-12-03'],
      series: [
        { name: 'ops', bytes: [0, 100, 100, 100] },
        { name: 'shop', bytes: [5, 5, 12, 12] },
      ],
    })
    expect(vaultGrowth([], { zone: 'UTC', until: new Date() })).toEqual({ days: [], series: [] })
  })
})
