import { beginJob, CatalogError, type Database, getJob } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RunningJob } from '#jobs/running-job.ts'

let world: JobsWorld
beforeAll(async () => {
  world = await openJobsWorld()
})
afterAll(() => world.close())

/** The same catalog; what comes after `arm` is committed, and its answer gets lost. */
function losingOneAnswer({ kysely, ...rest }: Database): { database: Database; arm: () => void } {
  let isArmed = false
  const transaction: Database['kysely']['transaction'] = () => {
    const builder = kysely.transaction()
    const { setIsolationLevel } = builder
    builder.setIsolationLevel = level => {
      const leveled = setIsolationLevel.call(builder, level)
      const { execute } = leveled
      leveled.execute = async work => {
        const result = await execute.call(leveled, work)
        if (!isArmed) return result as never
        isArmed = false
        throw new CatalogError('no answer', { code: 'CATALOG' })
      }
      return leveled
    }
    return builder
  }
  const losing = new Proxy(kysely, {
    get: (target, name) => {
      if (name === 'transaction') return transaction
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return {
    database: { ...rest, kysely: losing },
    arm: () => {
      isArmed = true
    },
  }
}

test.each([
  ['done', undefined],
  ['failed', 'USAGE'],
  ['queued', 'UNREACHABLE'],
] as const)(
  'a job whose end was written, but the answer to that was lost, is %s and not lost',
  async (state, code) => {
    const { job } = await world.queue.submit({ kind: 'verify', projectId: 'alpha' })
    const begun = await beginJob(world.database, { jobId: job.id, worker: 'test' })
    if (begun === null) throw new Error('there is nothing to begin')
    const { database, arm } = losingOneAnswer(world.database)
    const running = new RunningJob(begun, { tools: { ...world.tools, database }, queue: world.queue })
    const lines = world.logged.length
    const ended = await running.run(async () => {
      arm()
      if (code !== undefined) throw new BackupError('no', { code })
    })
    expect(ended).toBe(state)
    expect(await getJob(world.database, job.id)).toMatchObject({ state, attempt: 1 })
    expect(world.logged.slice(lines).join('')).not.toContain('could not be recorded')
  },
)
