import { expect, it } from 'vitest'
import { replacedBy } from '#restore/plan-words.ts'

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
