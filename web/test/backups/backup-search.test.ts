import { describe, expect, it } from 'vitest'
import { backupQuery, isFiltered, readBackupSearch } from '#screens/backups/backup-search.ts'

describe('the filters in the address', () => {
  it('drops what is no filter, and keeps what the router reads as a number', () => {
    expect(
      readBackupSearch({
        project: 7,
        type: 'database',
        state: 'gone',
        tag: '',
        from: '2026-12-01',
        to: 'yesterday',
        calendar: 'yes',
        other: 'x',
      }),
    ).toEqual({ project: '7', type: 'database', from: '2026-12-01' })
  })

  it('asks for both days whole, in the zone of the viewer', () => {
    const { from, to } = backupQuery({ from: '2026-12-01', to: '2026-12-01' })
    expect(from).toBe(new Date(2026, 11, 1).toISOString())
    expect(to).toBe(new Date(2026, 11, 1, 23, 59, 59, 999).toISOString())
  })

  it('a page or the calendar is no filter', () => {
    expect(isFiltered({ cursor: 'x', calendar: true })).toBe(false)
    expect(isFiltered({ tag: 'keep' })).toBe(true)
  })
})
