import { expect, it } from 'vitest'
import { createReadiness } from '#http/readiness.ts'

it('all who ask within a moment get one answer, for which each side was asked once', async () => {
  let asked = 0
  const readiness = createReadiness({
    catalog: async () => {
      asked += 1
    },
    chat: async () => {
      throw new Error('away')
    },
  })
  const answers = await Promise.all(Array.from({ length: 100 }, () => readiness()))
  expect(answers.every(({ catalog, chat }) => catalog && !chat)).toBe(true)
  expect(asked).toBe(1)
})

it('a side that hangs counts as away after a short time, and is told to give up', async () => {
  let gaveUp = false
  const readiness = createReadiness({
    catalog: async () => {},
    chat: signal =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          gaveUp = true
        })
      }),
  })
  expect(await readiness()).toEqual({ catalog: true, chat: false })
  expect(gaveUp).toBe(true)
})
