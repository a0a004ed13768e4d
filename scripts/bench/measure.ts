import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** A command as it is measured, and what is done before each run without being measured. */
export interface Side {
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  prepare?: () => Promise<void>
}

export interface Measured {
  seconds: number
  /** Of the process itself, as the kernel counted it. */
  peakMebibytes: number
}

/** Two sides in pairs, A B B A …: figures of a shared machine wander, ratios of pairs hardly do. */
export interface Comparison {
  what: string
  oursSeconds: number
  theirsSeconds: number
  /** Median of the pairs' ratios, the smallest and the largest. */
  ratio: { median: number; least: number; most: number }
  peakMebibytes: number
}

/** Runs a command to its end; fails when it fails. */
export async function measure(side: Side): Promise<Measured> {
  await side.prepare?.()
  const started = performance.now()
  const child = spawn(side.command, side.args, {
    env: { PATH: process.env['PATH'] ?? '', ...side.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    errors += text
  })
  let peakMebibytes = 0
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peakMebibytes = Math.max(peakMebibytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }, 20)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const seconds = (performance.now() - started) / 1000
  clearInterval(watch)
  if (code !== 0) {
    throw new Error(`${side.command} ${side.args.join(' ')} exited with ${code}: ${errors.slice(-2000)}`)
  }
  return { seconds, peakMebibytes }
}

/** The first pair warms caches up and does not count. */
export async function compare(what: string, ours: Side, theirs: Side, pairs: number): Promise<Comparison> {
  const runs: Array<{ a: Measured; b: Measured }> = []
  for (let pair = -1; pair < pairs; pair++) {
    // Whoever comes second may find caches warm or the disk busy: they take turns.
    const isOursFirst = pair % 2 === 0
    const first = await measure(isOursFirst ? ours : theirs)
    const second = await measure(isOursFirst ? theirs : ours)
    if (pair >= 0) runs.push(isOursFirst ? { a: first, b: second } : { a: second, b: first })
  }
  const ratios = runs.map(({ a, b }) => a.seconds / b.seconds)
  const comparison: Comparison = {
    what,
    oursSeconds: median(runs.map(({ a }) => a.seconds)),
    theirsSeconds: median(runs.map(({ b }) => b.seconds)),
    ratio: { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
    peakMebibytes: Math.max(...runs.map(({ a }) => a.peakMebibytes)),
  }
  process.stdout.write(
    `${what.padEnd(60)} ${comparison.oursSeconds.toFixed(2)} s / ${comparison.theirsSeconds.toFixed(2)} s  ` +
      `ratio ${comparison.ratio.median.toFixed(2)} (${comparison.ratio.least.toFixed(2)}–${comparison.ratio.most.toFixed(2)})  ` +
      `peak ${comparison.peakMebibytes.toFixed(0)} MiB\n`,
  )
  return comparison
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}
