import { spawnSync } from 'node:child_process'
import { MEGABYTE } from '#bench/inputs.ts'

/** One side of a pair, in a process of its own. */
export interface Run {
  seconds: number
  /** Of a Node program that prints its peak in KiB as the last line; NaN for all others. */
  peakMegabytes: number
}

/** A command and its arguments. */
export type Command = readonly [program: string, ...args: string[]]

/** Runs both in turn, so that what slows the machine for a while slows both. */
export function runPairs(
  sides: { shell: Command; archive: Command },
  options: { pairs: number; before: () => void },
): { shell: Run[]; archive: Run[] } {
  const runs: { shell: Run[]; archive: Run[] } = { shell: [], archive: [] }
  for (let pair = 0; pair < options.pairs; pair++) {
    for (const side of ['shell', 'archive'] as const) {
      options.before()
      runs[side].push(timed(sides[side]))
    }
  }
  return runs
}

/** A line that compares the medians. */
export function describePairs(
  name: string,
  megabytes: number,
  { shell, archive }: { shell: Run[]; archive: Run[] },
): string {
  const [theirs, ours] = [shell, archive].map(runs => median(runs.map(run => run.seconds))) as [
    number,
    number,
  ]
  const peak = Math.max(...archive.map(run => run.peakMegabytes))
  return (
    `${name}, ${megabytes} MB, ${shell.length} pairs: shell ${theirs.toFixed(2)} s, archive ${ours.toFixed(2)} s` +
    ` (${Math.round(megabytes / ours)} MB/s), ratio ${(ours / theirs).toFixed(2)}, peak memory ${peak} MB`
  )
}

function timed([program, ...args]: Command): Run {
  const start = performance.now()
  const child = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const seconds = (performance.now() - start) / 1000
  if (child.status !== 0) throw new Error(`${program} ended with ${child.status}`)
  const peakKibibytes = Number.parseInt(child.stdout.trim().split('\n').at(-1) ?? '', 10)
  return { seconds, peakMegabytes: Math.round((peakKibibytes * 1024) / MEGABYTE) }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
