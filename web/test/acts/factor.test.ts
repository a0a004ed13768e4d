import { expect, it } from 'vitest'
import { answerFactor, askForFactor } from '#acts/factor.ts'

it('all acts that wait for the factor go on with one answer, and the next one asks again', async () => {
  const both = [askForFactor(), askForFactor()]
  answerFactor(true)
  expect(await Promise.all(both)).toEqual([true, true])
  const next = askForFactor()
  answerFactor(false)
  expect(await next).toBe(false)
})
