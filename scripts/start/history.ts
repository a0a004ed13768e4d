import { rm } from 'node:fs/promises'
import { type Database, openDatabase } from '@telegram-backup/database'
import { latestTime, nextTime } from '@telegram-backup/engine/cron/cron-times.ts'
import type { OwnProgram } from '#start/own-program.ts'
import type { SampleBucket } from '#start/sample-bucket.ts'
import type { SampleSource } from '#start/sample-sources.ts'
import { shiftClock } from '#start/shifted-clock.ts'

/** The history is this many days long. */
export const DAYS = 5
const DAY_MS = 24 * 3600 * 1000

/** What happens at a time of a schedule. */
interface Run {
  at: Date
  make(): Promise<unknown>
}

interface HistoryMaking {
  program: OwnProgram
  /** The state folder of the first machine: it is deleted at the end. */
  home: string
  sources: readonly SampleSource[]
  bucket: SampleBucket
  onRun: (done: number, of: number) => void
}

/**
 * Makes the days of history: another machine backs the sources up at the times of their schedules, in a
 * process whose clock shows those times. All that stays of it is the chat.
 */
export async function makeHistory({ program, home, sources, bucket, onRun }: HistoryMaking): Promise<void> {
  const now = new Date()
  const runs = [
    ...sources.flatMap(source =>
      runsOf(source, now, async time => {
        await source.change(time)
        await program.run('send', '--source', source.name)
      }),
    ),
    ...runsOf(bucket, now, time => bucket.snapshot(time)),
  ].sort((a, b) => a.at.getTime() - b.at.getTime())
  const clock = shiftClock()
  let catalog: Database | undefined
  try {
    clock.setTo(new Date(now.getTime() - (DAYS + 1) * DAY_MS))
    // Keeps the server of the catalog running between the commands.
    catalog = await openDatabase({ dataDir: home })
    for (const { name, cron, timezone } of sources)
      await program.run(
        ...['schedule', 'add', '--source', name, '--cron', cron, '--timezone', timezone],
        ...KEEP,
      )
    for (const [index, { at, make }] of runs.entries()) {
      clock.setTo(at)
      await make()
      onRun(index + 1, runs.length)
    }
  } finally {
    await bucket.close()
    await catalog?.close()
    clock.end()
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
  }
}

const KEEP = ['--keep-daily', '7', '--keep-weekly', '4']

/** The times of the schedule in the last days. */
function runsOf(
  schedule: Pick<SampleSource, 'cron' | 'timezone'>,
  now: Date,
  make: (of: { day: number; at: Date; isLast: boolean }) => Promise<unknown>,
): Run[] {
  const last = latestTime(schedule, now)?.getTime()
  const runs: Run[] = []
  let next = nextTime(schedule, new Date(now.getTime() - DAYS * DAY_MS))
  for (let day = 0; next <= now; day++) {
    const [at, isLast] = [next, next.getTime() === last]
    runs.push({ at, make: () => make({ day, at, isLast }) })
    next = nextTime(schedule, at)
  }
  return runs
}
