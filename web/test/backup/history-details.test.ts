import { expect, it } from 'vitest'
import { Format } from '#format/format.ts'
import { detailLines } from '#screens/backup/history-details.ts'
import { en } from '#words/en/index.ts'

const lines = (details: Record<string, unknown>): string[] =>
  detailLines(details, { words: en.backup, format: new Format('en', 'UTC') })

it('says what happened in words, and leaves out what says nothing', () => {
  expect(lines({ kind: 'data', state: 'sound', findings: 0 })).toEqual(['Every byte read', 'Sound'])
  expect(lines({ restore_id: '6f05f939', target: 'staging', bytes: 1_536, error: null })).toEqual([
    'Target: staging',
    'Size: 1.5 KiB',
  ])
  expect(lines({ reason: 'expired', even_the_last: false })).toEqual(['Why: its time ended'])
  expect(lines({ tags: ['a', 'b'], even_the_last: true })).toEqual([
    'Tags: a, b',
    'Even the last good one: yes',
  ])
})

it('tells what the chat knew of a backup that was recovered', () => {
  const history = [
    { event: 'complete', at: '2026-12-01T00:00:00Z', count: 1 },
    { event: 'verified', at: '2026-12-01T01:00:00Z', count: 4 },
    null,
    'x',
  ]
  expect(lines({ messages: 3, history })).toEqual([
    'Messages: 3',
    'Dec 1, 2026, 12:00 AM Complete',
    'Dec 1, 2026, 1:00 AM Verified (4 times)',
  ])
})

it('shows fields of a newer version as they are, also those that are called as what every object has', () => {
  expect(lines({ constructor: { a: [1] }, toString: 'x', state: '__proto__', 'a\u202eb': 'c' })).toEqual([
    'constructor: {"a":[1]}',
    'toString: x',
    '__proto__',
    'a\\u{202e}b: c',
  ])
})
