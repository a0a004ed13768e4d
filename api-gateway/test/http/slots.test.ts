import { expect, it } from 'vitest'
import { OpenStreams } from '#http/event-streams.ts'
import { Slots } from '#http/slots.ts'

const OVERLOADED = expect.objectContaining({ code: 'OVERLOADED', hint: expect.any(String) })

/** How many go in before one is refused. */
function room(enter: () => unknown): number {
  for (let count = 0; ; count++) {
    try {
      enter()
    } catch (error) {
      expect(error).toEqual(OVERLOADED)
      return count
    }
  }
}

it.each([
  [1, 1, 0],
  [2, 1, 1],
  [3, 2, 1],
  [16, 12, 4],
])('of %i slots one key gets %i, and the next one the other %i', (size, share, rest) => {
  const slots = new Slots('things', size)
  const leave = slots.enter('greedy')
  expect(room(() => slots.enter('greedy'))).toBe(share - 1)
  expect(room(() => slots.enter('modest'))).toBe(rest)
  leave()
  expect(room(() => slots.enter('modest'))).toBe(rest < size && share > rest ? 1 : 0)
})

it('what is heavy takes several; the first of a key fits whenever it fits at all', () => {
  const slots = new Slots('MiB', 260)
  const leave = slots.enter('greedy', 200)
  expect(() => slots.enter('greedy', 10)).toThrow(OVERLOADED)
  expect(() => slots.enter('modest', 61)).toThrow(OVERLOADED)
  const leaveToo = slots.enter('modest', 60)
  leave()
  leaveToo()
  expect(slots.enter('modest', 260)).toBeTypeOf('function')
})

it('a slot is given back also by work that fails', async () => {
  const slots = new Slots('things', 1)
  await expect(slots.use('a', async () => Promise.reject(new Error('it failed')))).rejects.toThrow(
    'it failed',
  )
  expect(await slots.use('b', async () => 'done')).toBe('done')
})

it('one key cannot take all streams of events; those who leave make room', () => {
  const open = new OpenStreams()
  const leave = open.add('greedy', () => {})
  expect(room(() => open.add('greedy', () => {}))).toBe(749)
  expect(room(() => open.add('modest', () => {}))).toBe(250)
  leave()
  open.add('modest', () => {})
  open.endAll()
  expect(() => open.add('late', () => {})).toThrow(OVERLOADED)
})
