import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, getJob, type Job, type JobState } from '@telegram-backup/database'
import { openLiveConfigFile } from '@telegram-backup/engine/config/live-config-file.ts'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import type { JobTools } from '@telegram-backup/engine/jobs/job-handler.ts'
import { type JobHandlers, JobRunner } from '@telegram-backup/engine/jobs/job-runner.ts'
import { startJobSweeper } from '@telegram-backup/engine/jobs/job-sweeper.ts'
import type { PgBossQueue } from '@telegram-backup/engine/jobs/pg-boss-queue.ts'
import { servedQueues } from '@telegram-backup/engine/jobs/queue-names.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'
import type { ServicePart } from '@telegram-backup/engine/service-part.ts'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { cliEnvironment } from '#cli-environment.ts'
import { openTestCatalog, openTestVault, type TestCatalog, type TestVault } from '#vault.ts'

/** A vault, a catalog with a queue, and a configuration file with small sources. */
export interface JobsWorld {
  vault: TestVault
  database: Database
  queue: PgBossQueue
  tools: JobTools
  /** The lines of the log. */
  logged: string[]
  /** Starts a runner and a sweeper over these handlers; `stop` ends all of them. */
  run(
    handlers: Partial<JobHandlers>,
    options?: {
      slots?: number
      takeBackMs?: number
      unservedMs?: number
      also?: string[]
      alsoQueues?: string[]
    },
  ): JobRunner
  stop(options?: { graceMs?: number }): Promise<void>
  /** The job as soon as it is in one of these states. */
  until(jobId: string, ...states: JobState[]): Promise<Job>
  close(): Promise<void>
}

export const SOURCE_NAMES: readonly string[] = ['alpha', 'beta', 'gamma']
/** Three parts or so. */
const SOURCE_BYTES = 150_000

/** Each source is a file of random bytes, in the project of the same name. */
export async function writeSources(folder: string): Promise<string> {
  for (const name of SOURCE_NAMES) await writeFile(join(folder, `${name}.bin`), randomBytes(SOURCE_BYTES))
  const entries = SOURCE_NAMES.map(
    name => `  ${name}: { project: ${name}, type: storage, file: ${join(folder, `${name}.bin`)} }`,
  )
  const path = join(folder, 'telegram-backup.yaml')
  const target = '  copy: { postgres: "postgresql://nobody@127.0.0.1:1/nothing" }'
  await writeFile(path, `sources:\n${entries.join('\n')}\ntargets:\n${target}\n`, { mode: 0o600 })
  return path
}

/** @param catalog one of {@link openTestCatalog} if left out */
export async function openJobsWorld(catalog?: Omit<TestCatalog, 'env'>): Promise<JobsWorld> {
  const vault = await openTestVault()
  const database = catalog ?? (await openTestCatalog())
  const logged: string[] = []
  const log = createLogger({ level: 'debug', stream: { write: line => logged.push(line) } })
  const queue = await openJobQueue(database, { log, tends: false })
  const environment = await cliEnvironment(vault)
  environment['TELEGRAM_BACKUP_CONFIG'] = await writeSources(vault.folder)
  const { client, service } = vault
  const config = readConfig(environment)
  const tools: JobTools = {
    config,
    configFile: await openLiveConfigFile(config, log),
    database,
    client,
    service,
    log,
    retention: { noticeMs: 0, announce: async () => null, untilDelivered: false },
    openLimited: async () => ({ client, service }),
  }
  const queues = servedQueues({ sourceNames: SOURCE_NAMES, targetNames: ['copy'], drills: true })
  const running: { runner: JobRunner; sweeper: ServicePart }[] = []
  const stop = async ({ graceMs = 10_000 } = {}): Promise<void> => {
    await Promise.all(
      running.splice(0).flatMap(({ runner, sweeper }) => [runner.stop({ graceMs }), sweeper.stop()]),
    )
  }
  return {
    vault,
    database,
    queue,
    tools,
    logged,
    run: (
      handlers,
      { slots = 2, takeBackMs = 15_000, unservedMs = 3_600_000, also = [], alsoQueues = [] } = {},
    ) => {
      const runner = new JobRunner({
        ...{ tools, queue, slots },
        queues: () => [...queues, ...also.map(source => `backup.${source}`), ...alsoQueues],
        handlers: { ...UNASKED, ...handlers },
        lookEveryMs: 50,
        takeBackMs,
      })
      const sweeper = startJobSweeper({
        ...{ database, queue, log },
        served: () => ({ sources: SOURCE_NAMES, targets: ['copy'], drills: true }),
        declared: () => ({ sources: [], targets: [] }),
        edition: () => '',
        url: undefined,
        everyMs: 100,
        overdueMs: 300,
        unservedMs,
        onBroughtBack: () => runner.wake(),
      })
      running.push({ runner, sweeper })
      runner.start()
      return runner
    },
    stop,
    until: (jobId, ...states) => untilJob(database, jobId, states),
    close: async () => {
      await stop()
      await queue.stop()
      await database.discard()
      await vault.close()
    },
  }
}

const unasked = async (): Promise<never> => {
  throw new Error('no job of this kind was expected')
}
const UNASKED: JobHandlers = {
  backup: unasked,
  restore: unasked,
  verify: unasked,
  drill: unasked,
  erase: unasked,
  expire: unasked,
}

/** The job as soon as it is in one of these states; throws after a while. */
export async function untilJob(
  database: Database,
  jobId: string,
  states: readonly JobState[],
  { withinMs = 200_000 }: { withinMs?: number } = {},
): Promise<Job> {
  const until = performance.now() + withinMs
  for (;;) {
    const job = await getJob(database, jobId)
    if (job && states.includes(job.state)) return job
    if (performance.now() > until) throw new Error(`job ${jobId} is ${JSON.stringify(job)}`)
    await sleep(20)
  }
}

/** A call of the Bot API that waits until `release`. */
export interface HeldCall {
  reached: Promise<void>
  release(): void
}

/** Holds the nth call of a method with such a caption, before or after the server does its work. */
export function holdCall(
  { emulator }: TestVault,
  at: { method: string; phase: 'arrived' | 'kept'; nth: number; caption?: RegExp },
): HeldCall {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let seen = 0
  const unwatch = emulator.watch(async ({ method, phase, parameters }) => {
    if (method !== at.method || phase !== at.phase) return
    if (at.caption?.test(parameters['caption'] ?? '') === false || ++seen !== at.nth) return
    unwatch()
    reached.resolve()
    await released.promise
  })
  return { reached: reached.promise, release: () => released.resolve() }
}
