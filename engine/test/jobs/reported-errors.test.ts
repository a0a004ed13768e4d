import { readFile } from 'node:fs/promises'
import { BackupError } from '@telegram-backup/errors'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let world: JobsWorld
beforeAll(async () => {
  world = await openJobsWorld()
})
afterAll(() => world.close())

async function errorOf(thrown: () => Promise<unknown>): Promise<unknown> {
  world.run({
    expire: async () => {
      await thrown()
    },
  })
  const { job } = await world.queue.submit({ kind: 'expire' })
  const { error } = await world.until(job.id, 'failed')
  await world.stop()
  return error
}

test('what nobody foresaw is in the log alone: whoever may read the job sees no path', async () => {
  expect(await errorOf(() => readFile('/nowhere/at/all'))).toEqual({
    code: 'UNEXPECTED',
    message: 'An internal error occurred; the log has the details',
  })
  expect(world.logged.join('')).toContain('/nowhere/at/all')
})

test('what was made for people is in the row, without a secret', async () => {
  const token = `123456789:${'A'.repeat(35)}`
  const thrown = new BackupError(`The bot ${token} was refused`, { code: 'CONFIGURATION', hint: 'Look.' })
  expect(await errorOf(() => Promise.reject(thrown))).toEqual({
    code: 'CONFIGURATION',
    message: 'The bot [hidden] was refused',
    hint: 'Look.',
  })
})
