import { randomUUID } from 'node:crypto'
import { createSchedule, type Database } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configFileOf } from '#config/config-file.ts'
import { DEFAULT_HTTP_SETTINGS } from '#config/http-settings.ts'
import { DEFAULT_OBJECT_SETTINGS } from '#config/object-settings.ts'
import { DEFAULT_VERIFICATION } from '#config/verification-settings.ts'
import { readConfig } from '#environment.ts'
import { createLogger } from '#logging.ts'
import { createMetrics } from '#monitoring/metrics.ts'
import { OVERVIEW_STATES, type OverviewState, overview } from '#operations/overview.ts'

let database: Database & { discard(): Promise<void> }
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())

const HOUR = 3_600_000
const STEP = 12 * HOUR
const STEPS = 14

/** The limits in hours: of the file, of a schedule that runs daily (twice that), and none. */
const LIMITS = { limited: 26, daily: 48, free: null } as const
type Name = keyof typeof LIMITS
const NAMES = Object.keys(LIMITS) as Name[]

const SOURCE = { project: 'shop', type: 'database', file: '/nowhere' }
const FILE = configFileOf(
  undefined,
  {
    sources: { limited: { ...SOURCE, no_backup_for: '26h' }, daily: SOURCE, free: SOURCE },
    targets: {},
    notifications: {},
    retention: {},
    http: DEFAULT_HTTP_SETTINGS,
    verification: DEFAULT_VERIFICATION,
    objects: DEFAULT_OBJECT_SETTINGS,
  },
  {},
)

const ACTS = ['back up', 'back up', 'fail', 'damage', 'repair', 'erase all', 'erase newest'] as const
const DRILLS = ['drill', 'drill differs', 'drill fails'] as const
const ACT = fc.constantFrom(...ACTS, ...DRILLS, 'nothing' as const)

interface Drilled {
  at: number
  outcome: (typeof DRILLS)[number]
}

/** A source as a person would keep book of it, without SQL. */
interface Book {
  backups: { id: string; at: number; isDamaged: boolean; drills: Drilled[] }[]
  /** The newest drill, also of a backup that was erased since. */
  lastDrill?: Drilled
  failedAt: number
}

/** Does one act in the catalog and in the book. */
async function act(book: Book, source: Name, what: string, at: number): Promise<void> {
  const { kysely } = database
  const time = new Date(at)
  const newest = book.backups.at(-1)
  if (what === 'back up') {
    const id = randomUUID()
    book.backups.push({ id, at, isDamaged: false, drills: [] })
    await sql`
      insert into control_plane.backups (id, project_id, type, source_name, state, size, file_id, created_at, completed_at)
      values (${id}, 'shop', 'database', ${source}, 'complete', 1000, 'f', ${time}, ${time})`.execute(kysely)
  }
  if (what === 'fail') {
    book.failedAt = at
    await sql`
      insert into control_plane.jobs (kind, state, project_id, source, error, error_code, created_at, started_at, finished_at)
      values ('backup', 'failed', 'shop', ${source}, 'no', 'SOURCE', ${time}, ${time}, ${time})`.execute(
      kysely,
    )
  }
  if (newest === undefined) return
  if (what === 'damage' || what === 'repair') {
    newest.isDamaged = what === 'damage'
    await sql`update control_plane.backups set damaged_at = ${newest.isDamaged ? time : null} where id = ${newest.id}`.execute(
      kysely,
    )
  }
  if (what.startsWith('erase')) {
    const gone = what === 'erase all' ? book.backups.splice(0) : book.backups.splice(-1)
    await sql`update control_plane.backups set state = 'erased' where id = any(${gone.map(({ id }) => id)}::uuid[])`.execute(
      kysely,
    )
  }
  if (what.startsWith('drill')) {
    book.lastDrill = { at, outcome: what as Drilled['outcome'] }
    newest.drills.push(book.lastDrill)
    const code = { drill: null, 'drill differs': 'DIFFERENT', 'drill fails': 'RESTORE' }[what]
    const report = what === 'drill fails' ? null : { state: what === 'drill' ? 'passed' : 'differs' }
    await sql`
      insert into control_plane.verifications (backup_id, kind, state, code, depth, report, actor, started_at, finished_at)
      values (${newest.id}, 'drill', ${what === 'drill' ? 'sound' : 'failed'}, ${code}, ${report && 'contents'},
              ${report && JSON.stringify(report)}, 'test', ${time}, ${time})`.execute(kysely)
  }
}

/** The state by the book. */
function expected(
  { backups, lastDrill, failedAt }: Book,
  limitHours: number | null,
  now: number,
): OverviewState {
  const good = backups.filter(({ isDamaged }) => !isDamaged).at(-1)
  if (good === undefined) return 'broken'
  if (limitHours !== null && now - good.at > limitHours * HOUR) return 'broken'
  const drills = backups.flatMap(backup => backup.drills).sort((a, b) => a.at - b.at)
  const last = lastDrill?.outcome ?? 'drill'
  if (drills.at(-1)?.outcome === 'drill differs' && !drills.some(({ outcome }) => outcome === 'drill'))
    return 'broken'
  const isFailing = failedAt > (backups.at(-1)?.at ?? 0)
  return last !== 'drill' || isFailing || good !== backups.at(-1) || backups.some(one => one.isDamaged)
    ? 'attention'
    : 'ok'
}

async function emptyWeek(start: number): Promise<void> {
  for (const table of ['verifications', 'jobs', 'schedules', 'backups'])
    await sql`delete from ${sql.id('control_plane', table)}`.execute(database.kysely)
  await sql`insert into control_plane.projects (id) values ('shop') on conflict do nothing`.execute(
    database.kysely,
  )
  const daily = { source: 'daily', projectId: 'shop', type: 'database' as const, cron: '0 3 * * *' }
  await createSchedule(database, { ...daily, timezone: 'UTC', nextRunAt: new Date(start + 24 * HOUR) })
  await sql`update control_plane.schedules set created_at = ${new Date(start)}`.execute(database.kysely)
}

test('through a week of backups, failures, damage, erasures and drills, status, metrics and a plain book agree', async () => {
  const days = fc.array(fc.record({ limited: ACT, daily: ACT, free: ACT }), {
    minLength: STEPS,
    maxLength: STEPS,
  })
  await fc.assert(
    fc.asyncProperty(days, async week => {
      const start = Date.now() - STEPS * STEP - HOUR
      await emptyWeek(start)
      const books = Object.fromEntries(NAMES.map(name => [name, { backups: [], failedAt: 0 } as Book]))
      let now = start
      const own = {
        config: readConfig({ TELEGRAM_BACKUP_HOME: '/nowhere' }),
        configFile: FILE,
        clock: () => new Date(now),
      }
      const metrics = createMetrics({ cacheForMs: 0, timeLimitMs: 60_000 })
      const log = createLogger({ level: 'silent' })
      metrics.readFrom({ database, intervalOf: () => 24 * HOUR, own: () => own, log })
      for (const [index, acts] of week.entries()) {
        now = start + index * STEP
        for (const name of NAMES) await act(books[name] as Book, name, acts[name], now)
        now += HOUR
        const { state, sources } = await overview(database, { isAdmin: true }, own)
        const { text } = await metrics.render()
        for (const name of NAMES) {
          const book = books[name] as Book
          const shown = sources.find(({ source }) => source === name)
          const state = expected(book, LIMITS[name], now)
          const when = `${name} after ${JSON.stringify(week.slice(0, index + 1).map(one => one[name]))}`
          expect(shown?.state, `${when}: ${JSON.stringify(shown)}`).toBe(state)
          expect(shown?.last_good?.id ?? null, when).toBe(
            book.backups.findLast(one => !one.isDamaged)?.id ?? null,
          )
          expect(shown?.limit_hours, when).toBe(LIMITS[name])
          const labels = `{project="shop",type="database",source="${name}"}`
          const gauge = OVERVIEW_STATES.indexOf(state)
          expect(text, when).toContain(`\ntelegram_backup_source_state${labels} ${gauge}\n`)
        }
        // No service runs here: the schedule makes no backups.
        const worst = sources.some(one => one.state === 'broken') ? 'broken' : 'attention'
        expect(state).toBe(worst)
      }
    }),
    { numRuns: 2 },
  )
})
