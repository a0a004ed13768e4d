// What the catalog takes for the overview of `--sources N` (1000) and `--backups N` (10000): on Linux the
// processor time of its PostgreSQL process, elsewhere the time until the answer. Exit code 1 above
// `--limit MS` (400).
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type Database,
  drillUnits,
  inSnapshot,
  jobsAtWork,
  lastSourceJobs,
  listSchedules,
  migrate,
  openDatabase,
  openJobs,
  proofFacts,
  queueFacts,
  sourceFacts,
} from '@telegram-backup/database'
import { sql } from 'kysely'
import { fillCatalog } from '#load/full-catalog.ts'

const { values } = parseArgs({
  options: {
    sources: { type: 'string', default: '1000' },
    backups: { type: 'string', default: '10000' },
    limit: { type: 'string', default: '400' },
  },
})
const ROUNDS = 7

const READS: Readonly<Record<string, (database: Database, sources: readonly string[]) => Promise<unknown>>> =
  {
    sourceFacts,
    drillUnits,
    proofFacts,
    listSchedules: database => listSchedules(database),
    openJobs,
    queueFacts,
    // The overview asks for those whose newest backup failed: every tenth, see fillCatalog.
    lastSourceJobs: (database, sources) =>
      lastSourceJobs(
        database,
        sources.filter((_, at) => at % 10 === 0),
      ),
    jobsAtWork: database => jobsAtWork(database, { limit: 500 }),
  }

/** Milliseconds that the process behind this connection has used. */
async function clockOf({ kysely }: Database): Promise<() => number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(kysely)
  const file = `/proc/${rows[0]?.pid}/schedstat`
  return process.platform === 'linux'
    ? () => Number.parseInt(readFileSync(file, 'utf8'), 10) / 1e6
    : () => performance.now()
}

const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-overview-'))
const database = await openDatabase({ dataDir: folder })
try {
  await migrate(database)
  const sources = await fillCatalog(database, Number(values.sources), Number(values.backups))
  const times = new Map(Object.keys(READS).map(name => [name, [] as number[]]))
  for (let round = 0; round < ROUNDS; round++) {
    await inSnapshot(database, async snapshot => {
      const spent = await clockOf(snapshot)
      for (const [name, read] of Object.entries(READS)) {
        const begun = spent()
        await read(snapshot, sources)
        times.get(name)?.push(spent() - begun)
      }
    })
  }
  const median = (all: readonly number[]): number =>
    all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
  let total = 0
  for (const [name, all] of times) {
    total += median(all)
    process.stdout.write(`${name}: ${median(all).toFixed(1)} ms\n`)
  }
  process.stdout.write(`together: ${total.toFixed(1)} ms, the median of ${ROUNDS} rounds\n`)
  if (!(total <= Number(values.limit))) process.exitCode = 1
} finally {
  await database.close()
  await rm(folder, { recursive: true, force: true })
}
