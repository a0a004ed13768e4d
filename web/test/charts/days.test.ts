import { describe, expect, it } from 'vitest'
import { backupDays, dayState, weeksOf } from '#charts/days.ts'

const UNTIL = new Date('2026-12-02T10:00:00Z')

function made(created_at: string, more: object = {}) {
  return { created_at, state: 'complete' as const, damaged_at: null, size: 10, ...more }
}

describe('days of a calendar of backups', () => {
  it('counts a backup on the day that its viewer had', () => {
    const late = made('2026-12-01T23:30:00Z')
    const inBerlin = backupDays([late], { zone: 'Europe/Berlin', until: UNTIL, count: 2 })
    const inNewYork = backupDays([late], { zone: 'America/New_York', until: UNTIL, count: 2 })
    expect(inBerlin.map(({ day, good }) => [day, good])).toEqual([
      ['2026-12-01', 0],
      ['2026-12-02', 1],
    ])
    expect(inNewYork.map(({ good }) => good)).toEqual([1, 0])
  })

  it('has each day once where the clocks change', () => {
    const days = backupDays([], { zone: 'Europe/Berlin', until: new Date('2026-10-27T12:00:00Z'), count: 5 })
    expect(days.map(({ day }) => day)).toEqual([
      '2026-10-23',
      '2026-10-24',
      '2026-10-25',
      '2026-10-26',
      '2026-10-27',
    ])
  })

  it('calls a damaged backup no good one, and counts nothing that is gone or under way', () => {
    const backups = [
      made('2026-12-02T01:00:00Z', { damaged_at: '2026-12-02T02:00:00Z' }),
      made('2026-12-02T01:00:00Z', { state: 'erased' }),
      made('2026-12-02T01:00:00Z', { state: 'sending' }),
      made('2026-12-01T01:00:00Z'),
      made('2026-12-01T02:00:00Z', { state: 'failed' }),
    ]
    const [before, today] = backupDays(backups, { zone: 'UTC', until: UNTIL, count: 2 })
    expect(before).toEqual({ day: '2026-12-01', good: 1, failed: 1, size: 10 })
    expect(today).toEqual({ day: '2026-12-02', good: 0, failed: 1, size: 0 })
    expect([before, today].map(day => day && dayState(day))).toEqual(['partly', 'failed'])
  })

  it('begins each week on a Monday', () => {
    const days = backupDays([], { zone: 'UTC', until: UNTIL, count: 8 })
    // 25 November 2026 is a Wednesday.
    const weeks = weeksOf(days).map(week => week.map(day => day?.day.slice(8)))
    expect(weeks).toEqual([
      [undefined, undefined, '25', '26', '27', '28', '29'],
      ['30', '01', '02'],
    ])
  })
})
