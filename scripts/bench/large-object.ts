import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchRun } from '#bench/bench-run.ts'
import type { LargeObjectCosts, LargeObjectTask } from '#bench/store-large-object.ts'
import type { BenchVault } from '#bench/vault.ts'

const NAME = 'one large object'
const PROGRAM = join(import.meta.dirname, 'store-large-object.ts')
/** Of the whole service; the store alone must stay below. */
const LIMIT_MEBIBYTES = 350
/** With which serve starts itself: see cli/bin/telegram-backup.js. */
const SERVICE_OPTIONS = ['--max-semi-space-size=16', '--heap-growing-percent=50']

/** One object of many packs and one of a quarter of its size: how long they take, and how much memory. */
export async function largeObjectCosts(
  vault: BenchVault,
  run: BenchRun,
  of: { objectMebibytes: number },
): Promise<void> {
  if (!run.isWanted(NAME)) return
  const sizes = [Math.ceil(of.objectMebibytes / 4), of.objectMebibytes]
  const peaks: LargeObjectCosts[] = []
  for (const mebibytes of sizes) {
    const costs = await costsOf(vault, mebibytes)
    peaks.push(costs)
    if (mebibytes === of.objectMebibytes) addTimes(run, costs, mebibytes)
  }
  const [small = 0, large = 0] = peaks.map(({ peakMebibytes }) => peakMebibytes)
  run.add({
    what: `${NAME}, peak memory of the store with ${sizes.join(' and ')} MiB`,
    value: `${small.toFixed(0)} and ${large.toFixed(0)} MiB`,
    target: `under ${LIMIT_MEBIBYTES} MiB, the larger one at most 10 % more`,
    reached: Math.max(small, large) < LIMIT_MEBIBYTES && large <= 1.1 * small,
  })
}

function addTimes(run: BenchRun, costs: LargeObjectCosts, mebibytes: number): void {
  const { putSeconds, readSeconds, rangeSeconds, deleteSeconds } = costs
  const speedOf = (seconds: number): string =>
    `${seconds.toFixed(1)} s, ${(mebibytes / seconds).toFixed(0)} MiB/s`
  const none = { target: 'none; for the docs', reached: true }
  run.add({ what: `${NAME}, ${mebibytes} MiB stored`, value: speedOf(putSeconds), ...none })
  run.add({ what: `${NAME}, ${mebibytes} MiB read`, value: speedOf(readSeconds), ...none })
  run.add({
    what: `${NAME}, a range of 1 MiB / a deletion`,
    value: `${rangeSeconds.toFixed(2)} s / ${deleteSeconds.toFixed(3)} s`,
    ...none,
  })
}

async function costsOf(vault: BenchVault, mebibytes: number): Promise<LargeObjectCosts> {
  const bucket = `large-${process.pid}-${mebibytes}`
  await vault.ask('bucket', 'create', bucket, '--kind', 'restic', '--project', 'doors', '--undelete', '0')
  const task: LargeObjectTask = { bucket, mebibytes }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...SERVICE_OPTIONS, PROGRAM, JSON.stringify(task)],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        ...vault.cli().env,
        TELEGRAM_MESSAGES_PER_MINUTE: '0',
      },
    },
  )
  return JSON.parse(stdout) as LargeObjectCosts
}
