import { expect, it } from 'vitest'
import { fetchSeconds, replacedBy } from '#restore/plan-words.ts'

it('a folder that is full goes with all that is in it, and a new or empty one replaces nothing', () => {
  const intoFolder = (into: 'new' | 'empty' | 'staging') =>
    replacedBy({ makes: 'directory', steps: [{ does: 'write', into, name: '/srv/d' }] })
  expect([intoFolder('new'), intoFolder('empty')]).toEqual([null, null])
  expect(intoFolder('staging')).toBe('the folder with all that is in it')
})

it('of a database, it is said what it holds', () => {
  const held = { holds: ['2 tables', '1 type'], sizeBytes: 2_048, sessions: 0, isKept: false }
  const steps = [
    { does: 'write' as const, into: 'staging' as const, name: 'shop' },
    { does: 'replace' as const, name: 'shop', ...held },
  ]
  expect(replacedBy({ makes: 'database', steps })).toBe('2 tables, 1 type (2.0 KiB)')
})

it('fetching is estimated from the send, unless that was held up or begun by a wrong clock', () => {
  const created_at = new Date('2026-12-01T03:00:00Z')
  const sent = (seconds: number, archive_size: number): number | null =>
    fetchSeconds({
      completed_at: new Date(created_at.getTime() + seconds * 1_000),
      ...{ created_at, archive_size, size: archive_size },
    })
  expect([sent(2.2, 100), sent(3_600, 2 ** 30)]).toEqual([3, 3_600])
  expect([sent(84_240, 4_096), sent(-5, 4_096)]).toEqual([null, null])
})
