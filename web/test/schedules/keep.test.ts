import { expect, test } from 'vitest'
import { Format } from '#format/format.ts'
import { keepDraft, keepPolicy, keepWords } from '#screens/schedules/keep.ts'
import { previewRows } from '#screens/schedules/preview-rows.ts'
import { en } from '#words/en/index.ts'

test.each([null, {}, { last: 3, daily: 7 }, { within: '30d', tags: ['a', 'b'], minimum: 2 }])(
  'the policy %j comes back from its fields unchanged',
  keep => {
    expect(keepPolicy(keepDraft(keep))).toEqual(keep)
  },
)

test('rules without a value are no policy: an empty one would keep all', () => {
  expect(keepPolicy({ mode: 'rules', rules: {} })).toBeUndefined()
  expect(keepPolicy({ mode: 'rules', rules: { daily: '', tags: ' , ' } })).toBeUndefined()
  for (const daily of ['0', '-1', '1.5', 'x', '1e3'])
    expect(keepPolicy({ mode: 'rules', rules: { daily } }), daily).toBeUndefined()
})

test('a policy is said in words', () => {
  const said = (keep: Parameters<typeof keepWords>[0]) => keepWords(keep, en.schedules, new Format('en'))
  expect(said(null)).toBe('30 days')
  expect(said({})).toBe('all')
  expect(said({ daily: 7, weekly: 4, tags: ['gold'] })).toBe('7 daily, 4 weekly, and tagged gold')
})

test('what goes by the new rules alone comes first', () => {
  const kept = (id: string, needs_confirmation = false) => ({ id, reasons: [], needs_confirmation })
  const rows = previewRows(
    { keeps: [kept('stays'), kept('new')], erases: [kept('old'), kept('saved')] },
    { keeps: [kept('stays'), kept('saved'), kept('asked', true)], erases: [kept('old'), kept('new')] },
  )
  expect(rows.map(({ id, fate, isSaved }) => [id, fate, isSaved])).toEqual([
    ['new', 'goesToo', false],
    ['old', 'goes', false],
    ['asked', 'waits', false],
    ['stays', 'stays', false],
    ['saved', 'stays', true],
  ])
})
