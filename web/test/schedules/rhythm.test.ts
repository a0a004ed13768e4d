import { expect, test } from 'vitest'
import { Format } from '#format/format.ts'
import { cronOf, rhythmOf, rhythmWords } from '#screens/schedules/rhythm.ts'
import { de } from '#words/de/index.ts'
import { en } from '#words/en/index.ts'
import { ru } from '#words/ru/index.ts'

test.each([
  ['*/15 * * * *', { every: 'minutes', step: 15 }],
  ['* * * * *', { every: 'minutes', step: 1 }],
  ['5 * * * *', { every: 'hour', minute: 5 }],
  ['30 2 * * *', { every: 'day', time: '02:30' }],
  ['0 3 * * 1', { every: 'week', weekday: 1, time: '03:00' }],
  ['0 3 31 * *', { every: 'month', day: 31, time: '03:00' }],
] as const)('%s is shown in fields, which give it back', (cron, rhythm) => {
  expect(rhythmOf(cron)).toEqual(rhythm)
  expect(cronOf(rhythmOf(cron))).toBe(cron)
})

test('names of rhythms and of days are understood', () => {
  expect(rhythmOf('@weekly')).toEqual({ every: 'week', weekday: 0, time: '00:00' })
  expect(rhythmOf('0 3 * * MON')).toEqual({ every: 'week', weekday: 1, time: '03:00' })
  expect(rhythmOf('0 3 * * 7')).toMatchObject({ weekday: 0 })
})

test.each([
  '*/45 * * * *',
  '0 3 * * 1-5',
  '0 3 1 * 1',
  '0 3,15 * * *',
  '0 0 29 2 *',
  '@yearly',
  'nonsense',
  '',
])('%j stays as it is written', cron => {
  expect(rhythmOf(cron)).toEqual({ every: 'own', cron })
})

test('a rhythm is said in each language', () => {
  const said = (cron: string) =>
    (
      [
        ['en', en],
        ['ru', ru],
        ['de', de],
      ] as const
    ).map(([language, words]) =>
      rhythmWords(cron, words.schedules, new Format(language, 'UTC')).replace(/\s/g, ' '),
    )
  expect(said('0 3 * * *')).toEqual(['Every day at 3:00 AM', 'Каждый день в 03:00', 'Jeden Tag um 03:00'])
  expect(said('*/2 * * * *')).toEqual(['Every 2 minutes', 'Каждые 2 минуты', 'Alle 2 Minuten'])
  expect(said('0 3 * * 1')).toEqual([
    ...['Every Monday at 3:00 AM', 'По понедельникам в 03:00', 'Montags um 03:00'],
  ])
})
