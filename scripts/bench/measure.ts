import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A command as it is measured, and what is done before each run without being measured. */
export interface Side {
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  prepare?: () => Promise<void>
  /** The server that it talks to, whose processor time is measured as well. */
  server?: { processorSeconds(): Promise<number> }
}

export interface Measured {
  seconds: number
  /** Of the process itself, as the kernel counted it. */
  peakMebibytes: number
  /** Of the side's server during the run, user and system; 0 without one. */
  serverSeconds: number
}

/** Two sides in pairs, A B B A …: figures of a shared machine wander, ratios of pairs hardly do. */
export interface Comparison {
  what: string
  oursSeconds: number
  theirsSeconds: number
  /** Median of the pairs' ratios, the smallest and the largest. */
  ratio: { median: number; least: number; most: number }
  peakMebibytes: number
  /** Medians of the processor time of the sides' servers, if both have one. */
  serverSeconds?: { ours: number; theirs: number }
}

/** Runs a command to its end; fails when it fails. */
export async function measure(side: Side): Promise<Measured> {
  await side.prepare?.()
  // Each side makes the disk write. What the run before and `prepare` have left in memory would otherwise be
  // written during this run, and a sync of a file waits for it: the other side would pay.
  await promisify(execFile)('sync')
  const serverBefore = (await side.server?.processorSeconds()) ?? 0
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
    peakMebibytes = Math.max(peakMebibytes, await peakMebibytesOf(child.pid).catch(() => 0))
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
  const serverSeconds = ((await side.server?.processorSeconds()) ?? 0) - serverBefore
  return { seconds, peakMebibytes, serverSeconds }
}

/** Most resident memory of a process so far, in MiB, as the kernel counted it. */
export async function peakMebibytesOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** Processor time of a process so far, user and system, without its children. */
export async function processorSecondsOf(pid: number | undefined): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  // The kernel counts in hundredths.
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The first pair warms caches up and does not count. */
export async function compare(what: string, ours: Side, theirs: Side, pairs: number): Promise<Comparison> {
  const runs: Array<{ a: Measured; b: Measured }> = []
  for (let pair = -1; pair < pairs; pair++) {
    // Whoever comes second may find caches warm or the disk busy: they take turns.
    const isOursFirst = pair % 2 === 0
    const first = await measure(isOursFirst ? ours : theirs)
    const second = await measure(isOursFirst ? theirs : ours)
    const [a, b] = isOursFirst ? [first, second] : [second, first]
    process.stdout.write(
      `  ${pair < 0 ? 'first pair' : `pair ${pair + 1}`}: ${a.seconds.toFixed(2)} s / ${b.seconds.toFixed(2)} s\n`,
    )
    if (pair >= 0) runs.push({ a, b })
  }
  const ratios = runs.map(({ a, b }) => a.seconds / b.seconds)
  const comparison: Comparison = {
    what,
    oursSeconds: median(runs.map(({ a }) => a.seconds)),
    theirsSeconds: median(runs.map(({ b }) => b.seconds)),
    ratio: { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
    peakMebibytes: Math.max(...runs.map(({ a }) => a.peakMebibytes)),
    ...(ours.server &&
      theirs.server && {
        serverSeconds: {
          ours: median(runs.map(({ a }) => a.serverSeconds)),
          theirs: median(runs.map(({ b }) => b.serverSeconds)),
        },
      }),
  }
  const { ratio, serverSeconds } = comparison
  process.stdout.write(
    `${what.padEnd(60)} ${comparison.oursSeconds.toFixed(2)} s / ${comparison.theirsSeconds.toFixed(2)} s  ` +
      `ratio ${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})  ` +
      (serverSeconds === undefined
        ? `peak ${comparison.peakMebibytes.toFixed(0)} MiB\n`
        : `servers ${serverSeconds.ours.toFixed(1)} s / ${serverSeconds.theirs.toFixed(1)} s\n`),
  )
  return comparison
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}
