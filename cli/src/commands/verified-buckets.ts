import type { Engine } from '@telegram-backup/engine/engine.ts'
import {
  type BucketOutcome,
  bucketsToVerify,
  verifyBuckets,
} from '@telegram-backup/engine/operations/verify-buckets.ts'
import { count, formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { describeError, ExitCode, exitCodeFor } from '@telegram-backup/errors'
import { type CommandContext, withEngine } from '#commands/command.ts'
import { countFact } from '#commands/progress-facts.ts'

/** Findings, and keys of lost objects, that are named one by one. */
const MOST_NAMED = 20

/** `verify --bucket NAME`. */
export async function verifyNamedBucket(
  context: CommandContext,
  name: string,
  { readData }: { readData: boolean },
): Promise<ExitCode> {
  const { output } = context
  return await withEngine(context, async engine => {
    const [outcome] = await verifyBucketsOf(context, engine, { name, readData })
    if (outcome === undefined) return ExitCode.DONE
    if ('error' in outcome) throw outcome.error
    const exitCode = bucketsExitCode([outcome])
    output.outcome(verifiedBucket(outcome), () => describeBuckets([outcome]), {
      isDone: exitCode === ExitCode.DONE,
    })
    return exitCode
  })
}

/** Verifies the named bucket, or those of a project, or all; shows how far it is. */
export async function verifyBucketsOf(
  { output, signal, note }: CommandContext,
  engine: Engine,
  { readData, ...of }: { name?: string; project?: string | undefined; readData: boolean },
): Promise<BucketOutcome[]> {
  const buckets = await bucketsToVerify(engine, of)
  if (buckets.length === 0) return []
  const line = output.progressLine()
  const onProgress = (progress: { bucket: string; packs: number; bytes: number }): void =>
    line.update(() => [
      { text: progress.bucket, rank: 4 },
      countFact(progress.packs, undefined, 'pack'),
      ...(readData ? [{ text: `${formatBytes(progress.bytes)} read`, rank: 5 }] : []),
    ])
  return await verifyBuckets(engine, { buckets, readData }, { signal, note, onProgress }).finally(() =>
    line.end(),
  )
}

/** The verification of a bucket, as `verify --json` prints it. */
export function verifiedBucket(outcome: BucketOutcome): Record<string, unknown> & { success: boolean } {
  const { id, name, kind, project_id } = outcome.bucket
  const bucket = { id, name, kind, project_id }
  if ('error' in outcome) {
    const { code, message: error, hint } = describeError(outcome.error)
    return { success: false, ...bucket, state: 'failed', code, error, hint }
  }
  const { bucket_id: _, bucket: __, ...report } = outcome.report
  const success = report.state !== 'damaged' && report.unproven.length === 0
  return { success, ...bucket, ...report }
}

/** 5 if damage was found or no key fits; 3 if a bucket could not be verified, or not in every chat. */
export function bucketsExitCode(outcomes: readonly BucketOutcome[]): ExitCode {
  const codes = outcomes.flatMap(outcome => ('report' in outcome ? outcome.report.unproven : []))
  const isDamaged = outcomes.some(one => 'report' in one && one.report.state === 'damaged')
  if (isDamaged || codes.some(({ code }) => exitCodeFor(code) === ExitCode.INTEGRITY))
    return ExitCode.INTEGRITY
  return outcomes.every(one => verifiedBucket(one).success) ? ExitCode.DONE : ExitCode.PARTIAL
}

/** For people: a line for each bucket, after its problems. */
export function describeBuckets(outcomes: readonly BucketOutcome[]): string {
  return outcomes.flatMap(linesOf).join('\n')
}

function linesOf(outcome: BucketOutcome): string[] {
  const { name } = outcome.bucket
  if ('error' in outcome)
    return [`Bucket ${name} could not be verified: ${describeError(outcome.error).message}`]
  const { state, depth, packs, messages, bytes, objects, findings, unproven, lost, lost_keys } =
    outcome.report
  const read = depth === 'messages' ? '' : `, ${formatBytes(bytes)} read`
  const compared = objects > 0 ? `, ${count(objects, 'object')} compared` : ''
  const isPart = state !== 'damaged' && unproven.length > 0 ? ' as far as it could be verified' : ''
  return [
    ...named(findings.map(({ reason, mended }) => `${mended ? 'repaired' : 'WRONG   '}  ${reason}`)),
    ...unproven.map(({ chat_id, reason }) => `left      chat ${chat_id}: ${reason}`),
    `Bucket ${name} is ${state === 'damaged' ? 'DAMAGED' : state}${isPart}: ${count(packs, 'pack')}, ${count(messages, 'message')}${read}${compared}.`,
    ...(lost === 0
      ? []
      : [
          `The bytes of ${count(lost, 'object')} are in no chat any more; in a restic repository, "restic repair index" and "restic repair snapshots --forget" drop what needs them, and the next backup stores it again if it is still there:`,
          ...named(
            lost_keys.map(key => `  ${key}`),
            lost,
          ),
        ]),
  ]
}

function named(lines: readonly string[], total: number = lines.length): string[] {
  const shown = lines.slice(0, MOST_NAMED)
  return [...shown, ...(total > shown.length ? [`  and ${total - shown.length} more`] : [])]
}
