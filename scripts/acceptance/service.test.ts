import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServeProcess, startServe } from '#acceptance/serve-process.ts'
import { openStage, type Stage } from '#acceptance/stage.ts'

// A person's whole year in a few minutes: one source, a schedule for every minute, `serve` twice on one
// catalog. One is killed, Telegram is away for a while, and afterwards every minute has its backup.

const MINUTE_MS = 60_000
/** That have a backup before the outage. The issue of it is ten; continuous integration has less time. */
const MINUTES = Number(process.env['ACCEPTANCE_MINUTES'] ?? 2)
/**
 * From the last quarter of a minute on, so that it lasts past one beginning; longer than the watch is
 * patient.
 */
const OUTAGE_MS = Number(process.env['ACCEPTANCE_OUTAGE_SECONDS'] ?? 45) * 1000
const KEPT = 3

/** In the caption of a chat's index. */
const INDEX = /^telegram-backup 1 index /m
const LAST_COMPLETE = /^telegram_backup_last_complete_timestamp_seconds\{([^}]*)\} (\S+)$/m

interface BackupRow {
  id: string
  state: string
  size: number
  scheduled_for: string | null
  created_at: string
}

let stage: Stage
const serving: ServeProcess[] = []

beforeAll(async () => {
  stage = await openStage()
})

afterAll(async () => {
  await Promise.all(serving.map(serve => serve.kill()))
  await stage?.close()
})

async function serveOnce(): Promise<ServeProcess> {
  const serve = await startServe(stage.env)
  serving.push(serve)
  return serve
}

/** Far longer than anything here takes; on a busy machine it takes many times as long. */
const WITHIN_MS = 10 * MINUTE_MS

/** Looks again and again until something holds; fails with what was seen last. */
async function until<Seen>(
  look: () => Promise<Seen>,
  holds: (seen: Seen) => boolean,
  withinMs: number = WITHIN_MS,
): Promise<Seen> {
  const end = Date.now() + withinMs
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (Date.now() > end)
      throw new Error(`It did not come to that within ${withinMs / 1000} s: ${JSON.stringify(seen)}`)
    await delay(500)
  }
}

const backups = (): Promise<BackupRow[]> => stage.ask<BackupRow[]>('list')
/** What was whole once, erased by now or not. */
const wasComplete = ({ state }: BackupRow): boolean => ['complete', 'erasing', 'erased'].includes(state)
const minuteOf = (time: string | null): number => Math.floor(Date.parse(time ?? '') / MINUTE_MS)

/** Minutes for which there is a complete backup, each as often as there is one. */
function minutesOf(rows: readonly BackupRow[]): number[] {
  return rows
    .filter(wasComplete)
    .map(({ scheduled_for }) => minuteOf(scheduled_for))
    .sort((a, b) => a - b)
}

/** The process that is in the middle of a backup, and the minute which that is for; zeros for nobody. */
async function backupAtWork(): Promise<{ pid: number; minute: number }> {
  const found = await stage.server.sql(
    'catalog',
    `select worker, to_char(job.scheduled_for at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
       from control_plane.jobs job join control_plane.backups backup on backup.id = job.backup_id
      where job.kind = 'backup' and job.state = 'running' and backup.state = 'sending'`,
  )
  const [, pid, time] = /^process (\d+) .*\|(\S+)$/.exec(found) ?? []
  return pid === undefined ? { pid: 0, minute: 0 } : { pid: Number(pid), minute: minuteOf(time ?? null) }
}

/**
 * Keeps back the answers to what backups send, the index apart, until they are let go: however fast the
 * machine is, whoever waits for one is in the middle of a backup meanwhile.
 */
function holdSends(): { count(): number; letGo(): void } {
  const isLetGo = Promise.withResolvers<void>()
  let held = 0
  const unwatch = stage.emulator.watch(async ({ method, phase, parameters }) => {
    if (method !== 'senddocument' || phase !== 'kept' || INDEX.test(parameters['caption'] ?? '')) return
    held += 1
    await isLetGo.promise
  })
  return {
    count: () => held,
    letGo: () => {
      unwatch()
      isLetGo.resolve()
    },
  }
}

const openBackupJobs = (): Promise<string> =>
  stage.server.sql(
    'catalog',
    `select count(*) from control_plane.jobs where kind = 'backup' and state in ('queued', 'running')`,
  )

/**
 * Minutes at whose beginning the job of one before was not done yet, as on a very busy machine: then there is
 * no backup for them. That one is done is seen by others a little after the time that it says, when it is
 * written down.
 */
async function minutesBegunAtWork(): Promise<ReadonlySet<number>> {
  const spans = await stage.server.sql(
    'catalog',
    `select coalesce(json_agg(json_build_array(scheduled_for, finished_at + interval '30 seconds')), '[]')
       from control_plane.jobs where kind = 'backup' and state = 'done' and scheduled_for is not null`,
  )
  return new Set(
    (JSON.parse(spans) as [string, string][]).flatMap(([from, to]) =>
      Array.from({ length: minuteOf(to) - minuteOf(from) }, (_, index) => minuteOf(from) + 1 + index),
    ),
  )
}

test('a schedule for every minute, two that serve, one killed, Telegram away: every minute has one backup, and people were told', async () => {
  const [first, second] = await Promise.all([serveOnce(), serveOnce()])
  await stage.ask('schedule', 'add', '--source', 'shop', '--cron', '* * * * *', '--keep-last', String(KEPT))
  const { key } = await stage.ask<{ key: string }>('apikey', 'create', '--name', 'watcher', '--scope', 'read')
  const started = Math.floor(Date.now() / MINUTE_MS)

  // 1. Killed in the middle of the first backup, whichever of them makes it.
  const sends = holdSends()
  let killed: Awaited<ReturnType<typeof backupAtWork>>
  let victim: ServeProcess
  try {
    await until(
      async () => sends.count(),
      held => held > 0,
    )
    killed = await until(backupAtWork, ({ pid }) => [first.pid, second.pid].includes(pid))
    victim = killed.pid === first.pid ? first : second
    await victim.kill()
  } finally {
    sends.letGo()
  }
  const survivor = victim === first ? second : first
  await until(backups, rows => minutesOf(rows).includes(killed.minute))

  // 2. It comes back, and they share the work.
  const again = await serveOnce()
  await until(backups, rows => minutesOf(rows).length >= MINUTES, MINUTES * MINUTE_MS + WITHIN_MS)
  const beforeOutage = minutesOf(await backups())
  expect(stage.told.filter(({ event }) => event !== 'notice')).toEqual([])

  // 3. Telegram is away, past at least one minute's beginning, and until somebody is told.
  await until(
    async () => Date.now() % MINUTE_MS,
    at => at > 45_000,
  )
  const awayFrom = Math.floor(Date.now() / MINUTE_MS)
  stage.way.cut()
  await delay(OUTAGE_MS)
  await until(
    async () => stage.told,
    told => told.some(({ event }) => event === 'alert'),
  )
  stage.way.mend()
  const awayTo = Math.floor(Date.now() / MINUTE_MS)
  const after = await until(backups, rows => minutesOf(rows).filter(minute => minute > awayTo).length >= 2)

  // 4. Told of it once, and of its end once, although two of them watch.
  await until(
    async () => stage.told,
    told => told.some(({ event }) => event === 'recovered'),
  )
  const alerts = stage.told
    .filter(({ event }) => event !== 'notice')
    .map(({ event, kind }) => `${event} ${kind}`)
  expect(alerts.length).toBeGreaterThanOrEqual(2)
  expect(new Set(alerts).size).toBe(alerts.length)
  const wrong = alerts.filter(alert => alert.startsWith('alert ')).map(alert => alert.slice('alert '.length))
  await until(
    async () => stage.told.filter(({ event }) => event === 'recovered').map(({ kind }) => kind),
    right => wrong.every(kind => right.includes(kind)),
  )

  // 5. Exactly one for each minute that a backup could run in.
  const minutes = minutesOf(after)
  expect(new Set(minutes).size).toBe(minutes.length)
  const last = minutes.at(-1) as number
  const firstMinute = minutes[0] as number
  expect(firstMinute - started).toBeLessThanOrEqual(1)
  const busy = await minutesBegunAtWork()
  const could = Array.from({ length: last - firstMinute + 1 }, (_, index) => firstMinute + index).filter(
    minute => (minute < awayFrom || minute > awayTo) && !busy.has(minute),
  )
  // Nothing was at work before the first.
  expect(could).toContain(firstMinute)
  expect(minutes).toEqual(expect.arrayContaining(could))
  // None of those before is gone, or was made again.
  expect(minutes.slice(0, beforeOutage.length)).toEqual(beforeOutage)

  // 6. One in peace, then no more; retention has caught up.
  const { id: scheduleId } = (await stage.ask<Array<{ id: string }>>('schedule', 'list'))[0] as { id: string }
  await stage.ask('schedule', 'disable', scheduleId)
  const rows = await until(
    // A job that has only just begun has no backup yet.
    async () => ((await openBackupJobs()) === '0' ? await backups() : []),
    all =>
      all.filter(({ state }) => state === 'complete').length === KEPT &&
      all.every(({ state }) => !['sending', 'erasing'].includes(state)),
  )
  const complete = rows.filter(({ state }) => state === 'complete')
  expect(minutesOf(complete)).toEqual(minutesOf(rows).slice(-KEPT))

  // 7. Metrics and the HTTP API say the same.
  for (const serve of [survivor, again]) {
    // What the catalog tells is left out while it takes too long.
    const line = await until(
      async () => LAST_COMPLETE.exec(await (await fetch(`${serve.url}/metrics`)).text()),
      found => found !== null,
    )
    expect(line?.[1]).toMatch(/project="shop".*type="database".*source="shop"|source="shop"/)
    const newest = Math.max(...complete.map(({ created_at }) => Date.parse(created_at) / 1000))
    expect(Math.abs(Number(line?.[2]) - newest)).toBeLessThan(30)
    const answer = await fetch(`${serve.url}/api/v1/backups?project_id=shop&state=complete`, {
      headers: { authorization: `Bearer ${key}` },
    })
    const { items } = (await answer.json()) as { items: BackupRow[] }
    expect(items.map(({ id }) => id)).toEqual(complete.map(({ id }) => id))
  }

  // 8. Nothing stray: each document in the chat is a message of a complete backup, or the index.
  const known = (
    await Promise.all(
      complete.map(async ({ id }) => {
        const shown = await stage.ask<{ parts: { message_id: number }[]; manifest: { message_id: number } }>(
          'show',
          id,
        )
        return [...shown.parts.map(part => part.message_id), shown.manifest.message_id]
      }),
    )
  ).flat()
  // A job of retention is not done yet when all is erased: the index comes last.
  const wanted = { indexes: 1, others: known.sort((a, b) => a - b) }
  await until(
    async () => {
      const documents = stage.emulator.inspect.messages(stage.chatId).filter(({ document }) => document)
      const others = documents.filter(({ caption = '' }) => !INDEX.test(caption))
      return {
        indexes: documents.length - others.length,
        others: others.map(({ message_id }) => message_id),
      }
    },
    seen => isDeepStrictEqual(seen, wanted),
  )

  // 9. What is there opens.
  const out = `${stage.folder}/back.sql`
  await stage.ask('fetch', (complete[0] as BackupRow).id, '--out', out)
  expect(await readFile(out, 'utf8')).toContain('-- PostgreSQL database dump complete')

  // 10. They end in good order, within the time that the units allow, and leave no connection.
  const ends = await Promise.all(
    [...new Set([first, second, again])].filter(serve => serve !== victim).map(serve => serve.stop()),
  )
  for (const { code, seconds } of ends) {
    expect(code).toBe(0)
    expect(seconds).toBeLessThan(90)
  }
  // The server notices by itself that they are gone, and cleans up by itself now and then.
  await until(
    () =>
      stage.server.sql(
        'postgres',
        `select count(*) from pg_stat_activity
          where datname in ('catalog', 'shop') and backend_type = 'client backend'`,
      ),
    count => count === '0',
  )
})
