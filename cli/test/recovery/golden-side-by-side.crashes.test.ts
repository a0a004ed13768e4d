import type { Job } from '@telegram-backup/database'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { GOLDEN_STATES, type Golden, openGolden } from '#test/recovery/golden-state.ts'

// Machines that share a catalog are not updated in the same minute: what one release begins, the other goes
// on with.

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** One release at work on the golden catalog. */
interface Machine {
  serve: ServeProcess
  ask(...args: string[]): Promise<unknown>
  /** Asks its HTTP API for a backup of that source; gives the job's id. */
  order(source: string): Promise<string>
}

async function openMachine(
  golden: Golden,
  { env, launcher }: { env: Record<string, string>; launcher?: string },
): Promise<Machine> {
  const serve = startServe(env, ['--json'], launcher)
  closing.push(() => serve.end('SIGKILL'))
  await serve.ready
  const url = await expect
    .poll(() => /"url": "(http:[^"]+)"/.exec(serve.log())?.[1])
    .toBeTruthy()
    .then(() => String(/"url": "(http:[^"]+)"/.exec(serve.log())?.[1]))
  return {
    serve,
    ask: async (...args) => {
      const run = await runCli([...args, '--json'], { env, ...(launcher === undefined ? {} : { launcher }) })
      expect(run.code, run.stderr).toBe(0)
      return run.json()
    },
    order: async source => {
      const answer = await fetch(`${url}/api/v1/backups`, {
        method: 'POST',
        headers: { authorization: `Bearer ${golden.facts.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ source }),
      })
      const body = (await answer.json()) as { job_id: string }
      expect(answer.status, JSON.stringify(body)).toBe(202)
      return body.job_id
    },
  }
}

async function untilDone({ ask }: Machine, jobId: string): Promise<Job> {
  const find = async (): Promise<Job | undefined> => {
    const jobs = (await ask('jobs')) as Job[]
    return jobs.find(({ id }) => id === jobId)
  }
  await expect.poll(async () => (await find())?.state, { interval: 500 }).toMatch(/done|failed|cancelled/)
  const job = await find()
  expect(job).toMatchObject({ state: 'done', error: null })
  return job as Job
}

describe.each(GOLDEN_STATES)('the program of schema %s and the one of now on one catalog', name => {
  test('serve at the same time, and each goes on with what the other began', async () => {
    const golden = await openGolden(name)
    closing.push(() => golden.close())
    const catalog = await golden.openCatalog()
    const launcher = golden.unpackProgram()
    const envOf = (machine: string): Record<string, string> => ({
      ...golden.env,
      ...catalog,
      TELEGRAM_BACKUP_HOME: `${golden.folder}/${machine}`,
    })
    const before = await openMachine(golden, { env: envOf('before'), launcher })
    // The upgrade comes while the old one is at work.
    const now = await openMachine(golden, { env: envOf('now') })
    const machines = [before, now]

    const backups = new Set<string>()
    for (const machine of machines) {
      for (const source of ['uploads', 'disk']) {
        const job = await untilDone(machine, await machine.order(source))
        backups.add(String(job.backup_id))
      }
    }
    expect(backups.size).toBe(4)
    for (const id of backups) {
      for (const { ask } of machines) expect(await ask('show', id)).toMatchObject({ state: 'complete' })
      for (const { ask } of machines) await ask('verify', id, '--read-data')
    }
    const listed = (await now.ask('list')) as { id: string; state: string }[]
    expect(await before.ask('list')).toMatchObject(listed.map(({ id, state }) => ({ id, state })))

    // Either may go while the other stays.
    expect(await before.serve.end('SIGTERM')).toBe(0)
    await untilDone(now, await now.order('disk'))
    const again = await openMachine(golden, { env: envOf('before'), launcher })
    expect(await now.serve.end('SIGTERM')).toBe(0)
    await untilDone(again, await again.order('disk'))
    expect(await again.serve.end('SIGTERM')).toBe(0)
  })
})
