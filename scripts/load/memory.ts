import { readFileSync } from 'node:fs'

/** What a process took while somebody watched. */
export interface MemoryCurve {
  /** MiB, one value for each look. */
  mebibytes: number[]
  stop(): void
}

const LOOK_EVERY_MS = 250

/** Watches the resident memory of a process. */
export function watchMemory(pid: number): MemoryCurve {
  const mebibytes = [residentOf(pid)]
  const timer = setInterval(() => mebibytes.push(residentOf(pid)), LOOK_EVERY_MS)
  return { mebibytes, stop: () => clearInterval(timer) }
}

function residentOf(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) / 1024
}

/** The peak of each of so many stretches of equal length: flat, or growing. */
export function peaksOf({ mebibytes }: MemoryCurve, stretches: number): number[] {
  const length = Math.ceil(mebibytes.length / stretches)
  return Array.from({ length: stretches }, (_, index) =>
    mebibytes.slice(index * length, (index + 1) * length),
  )
    .filter(stretch => stretch.length > 0)
    .map(stretch => Math.round(Math.max(...stretch)))
}
