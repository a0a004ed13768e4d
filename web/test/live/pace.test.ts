import { describe, expect, it } from 'vitest'
import { PaceMeter } from '#live/pace.ts'

function measured(samples: [number, number][]): PaceMeter {
  const meter = new PaceMeter()
  for (const [seconds, bytes] of samples) meter.add({ at: seconds * 1_000, bytes })
  return meter
}

describe('the pace of a job', () => {
  it('says nothing from one look', () => {
    expect(measured([[0, 100]]).pace(1_000)).toBeUndefined()
  })

  it('is that of the last 15 seconds, and says how long the rest takes', () => {
    const meter = measured([
      [0, 0],
      [20, 1_000],
      [30, 2_000],
    ])
    expect(meter.pace(3_000)).toEqual({ bytesPerSecond: 100, secondsLeft: 10 })
    expect(meter.pace(null)).toEqual({ bytesPerSecond: 100, secondsLeft: null })
  })

  it('begins anew with another attempt', () => {
    const meter = measured([
      [0, 5_000],
      [2, 9_000],
      [3, 0],
      [5, 200],
    ])
    expect(meter.pace(1_000)).toEqual({ bytesPerSecond: 100, secondsLeft: 8 })
  })

  it('promises no end to a job that stands still, or that has done more than was estimated', () => {
    const still = measured([
      [0, 100],
      [10, 100],
    ])
    expect(still.pace(1_000)).toEqual({ bytesPerSecond: 0, secondsLeft: null })
    const past = measured([
      [0, 0],
      [10, 2_000],
    ])
    expect(past.pace(1_000)?.secondsLeft).toBe(0)
  })
})
