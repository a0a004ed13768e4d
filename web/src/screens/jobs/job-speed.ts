import { useEffect, useState } from 'react'
import type { Job } from '#api/generated/types.gen.ts'

/** How many bytes were done at a time in ms. */
export interface Sample {
  at: number
  bytes: number
}

/** The speed of the last moments counts, not that of the whole job. */
const WINDOW_MS = 20_000

/** With one more sample; those before the window go, and all of them when the bytes began anew. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1)
  if (last !== undefined && sample.bytes < last.bytes) return [sample]
  return [...samples.filter(({ at }) => at > sample.at - WINDOW_MS), sample]
}

/** Bytes a second; undefined while it is unknown. */
export function speedOf(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last.at - first.at < 1_000) return undefined
  return ((last.bytes - first.bytes) * 1_000) / (last.at - first.at)
}

/** Seconds until all bytes are done at that speed; undefined while it is unknown. */
export function secondsLeft(
  { bytes_done, bytes_total }: Job['progress'],
  speed: number | undefined,
): number | undefined {
  if (bytes_total === null || speed === undefined || speed <= 0 || bytes_done >= bytes_total) return undefined
  return (bytes_total - bytes_done) / speed
}

/** The speed of a running job, from the progress that comes in; at first the average since its start. */
export function useJobSpeed({ state, started_at, progress }: Job): number | undefined {
  const { bytes_done } = progress
  const [samples, setSamples] = useState<readonly Sample[]>(() =>
    started_at === null ? [] : [{ at: new Date(started_at).getTime(), bytes: 0 }],
  )
  useEffect(() => {
    setSamples(before => withSample(before, { at: Date.now(), bytes: bytes_done }))
  }, [bytes_done])
  return state === 'running' && bytes_done > 0 ? speedOf(samples) : undefined
}
