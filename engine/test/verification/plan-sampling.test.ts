import type { SampledBackup } from '@telegram-backup/database'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR_MS, planSampling } from '#verification/plan-sampling.ts'

const WITHIN_MS = 48 * HOUR_MS
const TICK_MS = HOUR_MS / 6
const START = Date.UTC(2026, 0, 1)
const UNBOUNDED = { readAllWithinMs: WITHIN_MS, messagesPerHour: 1_000_000 }

function backup(fields: Partial<SampledBackup> & { created_at: Date }): SampledBackup {
  return {
    ...{ id: String(fields.created_at.getTime()), project_id: 'shop', source_key: 'shop', bytes: 1000 },
    ...{ messages: 2, last_read_at: null, last_looked_at: null, last_begun_at: null, last_asked_at: null },
    ...{ is_newest: false, is_busy: false },
    ...fields,
  }
}

const ago = (hours: number): Date => new Date(START - hours * HOUR_MS)
const at = { lately: { bytes: 0, messages: 0 }, now: new Date(START) }

/**
 * Backups as they are made, in hours from the start, and how large; and how long the queue takes for a job.
 */
const arrivals = fc.record({
  made: fc.array(
    fc.record({ hour: fc.integer({ min: 0, max: 60 }), bytes: fc.integer({ min: 1, max: 5000 }) }),
    {
      minLength: 1,
      maxLength: 90,
      size: 'max',
    },
  ),
  sources: fc.integer({ min: 1, max: 3 }),
  delayTicks: fc.integer({ min: 1, max: 12 }),
})

interface Simulated {
  /** When each was read, and what was asked for, by backup. */
  reads: Map<string, number[]>
  longestUnreadMs: number
  jobsAtOnce: number
  bytesOfHours: number[]
}

function simulate({
  made,
  sources,
  delayTicks,
}: {
  made: { hour: number; bytes: number }[]
  sources: number
  delayTicks: number
}): Simulated {
  const result: Simulated = { reads: new Map(), longestUnreadMs: 0, jobsAtOnce: 0, bytesOfHours: [] }
  const all = made.map(({ hour, bytes }, index) =>
    backup({
      id: `b${index}`,
      source_key: `s${index % sources}`,
      created_at: new Date(START + hour * HOUR_MS + index),
      bytes,
    }),
  )
  let open: { backup: SampledBackup; readData: boolean; endsAt: number }[] = []
  const submitted: { at: number; backup: SampledBackup }[] = []
  for (let now = START; now < START + 130 * HOUR_MS; now += TICK_MS) {
    for (const { backup: one, readData } of open.filter(({ endsAt }) => endsAt <= now)) {
      one.last_looked_at = new Date(now)
      if (readData) one.last_read_at = new Date(now)
    }
    open = open.filter(({ endsAt }) => endsAt > now)
    const backups = all.filter(({ created_at }) => created_at.getTime() <= now)
    for (const one of backups) {
      const newest = Math.max(
        ...backups
          .filter(({ source_key }) => source_key === one.source_key)
          .map(({ created_at }) => created_at.getTime()),
      )
      one.is_newest = one.created_at.getTime() === newest
      one.is_busy = open.some(job => job.backup === one)
      result.longestUnreadMs = Math.max(
        result.longestUnreadMs,
        now - (one.last_read_at ?? one.created_at).getTime(),
      )
    }
    const lately = submitted.filter(job => job.at > now - HOUR_MS)
    const sum = (field: 'bytes' | 'messages'): number =>
      lately.reduce((total, job) => total + job.backup[field], 0)
    const facts = { backups, lately: { bytes: sum('bytes'), messages: sum('messages') }, now: new Date(now) }
    for (const {
      backup: { id },
      readData,
    } of planSampling(facts, UNBOUNDED).picks) {
      const one = all.find(known => known.id === id) as SampledBackup
      open.push({ backup: one, readData, endsAt: now + delayTicks * TICK_MS })
      one.last_asked_at = new Date(now)
      if (!readData) continue
      one.last_begun_at = new Date(now)
      submitted.push({ at: now, backup: one })
      result.reads.set(id, [...(result.reads.get(id) ?? []), now])
    }
    for (const { backup: one } of open) {
      result.jobsAtOnce = Math.max(result.jobsAtOnce, open.filter(job => job.backup === one).length)
    }
  }
  return result
}

describe('sampling', () => {
  it('reads every backup within its time, whenever and in whatever numbers they are made', () => {
    fc.assert(
      fc.property(arrivals, arrival => {
        expect(simulate(arrival).longestUnreadMs).toBeLessThanOrEqual(WITHIN_MS)
      }),
      { numRuns: 40 },
    )
  })

  it('has never two jobs for one backup, and reads none much more often than it must', () => {
    fc.assert(
      fc.property(arrivals, arrival => {
        const { jobsAtOnce, reads } = simulate(arrival)
        expect(jobsAtOnce).toBeLessThanOrEqual(1)
        for (const times of reads.values()) {
          for (const [index, time] of times.slice(1).entries()) {
            expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(WITHIN_MS / 2)
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  it('spreads what was made at once over a quarter of the time', () => {
    const made = Array.from({ length: 24 }, () => ({ hour: 0, bytes: 1000 }))
    const { reads } = simulate({ made, sources: 24, delayTicks: 1 })
    const firstDue = [...reads.values()].map(times => times.at(-1) ?? 0).sort((a, b) => a - b)
    const hours = firstDue.map(time => Math.floor((time - START) / HOUR_MS))
    const busiest = Math.max(...[...Map.groupBy(hours, hour => hour).values()].map(list => list.length))
    // 24 in 12 hours are 2 an hour; what the share leaves over may make it one more.
    expect(busiest).toBeLessThanOrEqual(4)
  })

  it('takes the longest unread first, and none that was tried a moment ago', () => {
    const backups = [30, 45, 35].map(hours => backup({ created_at: ago(hours) }))
    const [sixty, ninety, seventy] = backups
    expect(planSampling({ ...at, backups }, UNBOUNDED).picks.map(pick => pick.backup)).toEqual([ninety])
    const tried = [sixty, { ...(ninety as SampledBackup), last_begun_at: ago(1) }, seventy] as SampledBackup[]
    expect(planSampling({ ...at, backups: tried }, UNBOUNDED).picks.map(pick => pick.backup)).toEqual([
      seventy,
    ])
  })

  it('reads the newest of a source soon after it was made, once a day, and asks for it daily', () => {
    const newest = backup({ created_at: ago(1), is_newest: true })
    expect(planSampling({ ...at, backups: [newest] }, UNBOUNDED).picks).toEqual([
      { backup: newest, readData: true },
    ])
    const other = (hours: number): SampledBackup =>
      backup({ created_at: ago(30), last_read_at: ago(hours), last_looked_at: ago(hours) })
    // A backup was made each minute since: once a day is enough for their source.
    expect(planSampling({ ...at, backups: [newest, other(2)] }, UNBOUNDED).picks).toEqual([])
    const asked = { ...newest, last_looked_at: ago(2), last_asked_at: ago(2) }
    expect(planSampling({ ...at, backups: [asked] }, UNBOUNDED).picks).toEqual([
      { backup: asked, readData: true },
    ])
    const read = backup({
      created_at: ago(20),
      is_newest: true,
      last_read_at: ago(19),
      last_looked_at: ago(19),
    })
    expect(planSampling({ ...at, backups: [read] }, UNBOUNDED).picks).toEqual([])
    const yesterday = {
      ...read,
      last_read_at: ago(23.9),
      last_looked_at: ago(24.1),
      last_asked_at: ago(24.1),
    }
    expect(
      planSampling({ ...at, backups: [yesterday] }, { ...UNBOUNDED, readAllWithinMs: 4 * WITHIN_MS }).picks,
    ).toEqual([{ backup: yesterday, readData: false }])
  })

  it('keeps to the messages that the chat has room for, and says when that is too few', () => {
    const backups = Array.from({ length: 10 }, (_, index) =>
      backup({ created_at: ago(40 + index), messages: 10 }),
    )
    const rules = { readAllWithinMs: WITHIN_MS, messagesPerHour: 25 }
    const lately = { bytes: 0, messages: 10 }
    const { picks, late } = planSampling({ ...at, backups, lately }, rules)
    expect(picks).toHaveLength(1)
    expect(late).toBe(10)
  })
})
