import { setTimeout as sleep } from 'node:timers/promises'
import {
  acquireLease,
  type Bucket,
  type BucketWork,
  bucketsToTend,
  endBucketRemoval,
  undeletingTo,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { collectGarbage, purge } from '#objects/tend/collect-garbage.ts'
import { compactPacks } from '#objects/tend/compact-packs.ts'
import { drawCheckpoint, isCheckpointDue } from '#objects/tend/draw-checkpoint.ts'
import { GrowingPauses } from '#objects/tend/growing-pauses.ts'
import { reconcileOwnPacks } from '#objects/tend/reconcile-own-packs.ts'
import { carryOutUndelete } from '#objects/tend/undelete-bucket.ts'
import type { UpkeepTools } from '#objects/tend/upkeep.ts'
import type { TendedBucket } from '#objects/tended-bucket.ts'
import { cancelled } from '#session/session.ts'

/**
 * What is done for a bucket, in this order; each stage may be repeated, and does nothing when nothing is to
 * do.
 */
type Stage = (tools: UpkeepTools, tended: TendedBucket) => Promise<void>

const STAGES: readonly Stage[] = [
  goOnUndeleting,
  drawDueCheckpoint,
  purge,
  copyToSecondChat,
  collectGarbage,
  compactPacks,
  endRemoval,
]

/** Whether another process has ended an undelete. */
const LOOK_AGAIN_MS = 1_000

/**
 * Looks after all buckets: tells the chat of deletions, draws checkpoints, purges, erases packs that are
 * garbage, compacts others, and copies to the second chat. One process at a time does it for a bucket, under
 * a lease on its id. A failure is logged and tried again after a pause that grows; it never ends the work on
 * others.
 */
export class BucketTender {
  readonly #tools: UpkeepTools
  readonly #pauses: GrowingPauses
  /** Names of what this process is at. */
  readonly #busy = new Set<string>()
  readonly #working = new Set<Promise<void>>()

  constructor(tools: UpkeepTools) {
    this.#tools = tools
    this.#pauses = new GrowingPauses({ firstMs: tools.times.everyMs })
  }

  /** Runs until `stop` fires, and what it has begun then has ended. */
  async run(stop: AbortSignal): Promise<void> {
    const { times } = this.#tools
    while (!stop.aborted) {
      await this.#tendAll(stop)
      await sleep(times.everyMs, undefined, { signal: stop }).catch(() => {})
    }
    await Promise.all(this.#working)
  }

  /**
   * Draws a checkpoint of each bucket that has changed, unless another process tends it. Failures are logged.
   */
  async drawLastCheckpoints(): Promise<void> {
    if (this.#tools.signal.aborted) return
    try {
      await this.#drawLastCheckpoints()
    } catch (error) {
      this.#report('The last checkpoint was not drawn', error)
    }
  }

  /**
   * Ends the undelete that is under way, if one is; waits for another process that is at it. Throws what
   * `carryOutUndelete` throws.
   */
  async finishUndelete(bucket: Bucket, { signal }: { signal: AbortSignal }): Promise<void> {
    const { database } = this.#tools
    for (;;) {
      const at = await undeletingTo(database, bucket.id)
      if (at === null) return
      const lease = await acquireLease(database, { subject: bucket.id, purpose: 'objects' })
      if (lease !== null) {
        try {
          return await carryOutUndelete(this.#tools, { bucket, at, signal })
        } finally {
          await lease.release()
        }
      }
      await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {
        throw cancelled()
      })
    }
  }

  async #drawLastCheckpoints(): Promise<void> {
    for (const work of await bucketsToTend(this.#tools.database)) {
      if (work.packsSinceCheckpoint === 0 || work.bucket.removed_at !== null) continue
      await this.#underLease(work, tended =>
        drawCheckpoint(this.#tools, { bucket: work.bucket, lease: tended.lease }),
      )
    }
  }

  /** One round. Work that takes longer goes on beside the next round. */
  async #tendAll(stop: AbortSignal): Promise<void> {
    const { database } = this.#tools
    try {
      this.#start('packs that were left', () => this.#reconcileOwn())
      for (const work of await bucketsToTend(database)) {
        if (isToldLate(work, this.#tools))
          this.#start(`deletions of bucket ${work.bucket.name}`, () => this.#tell(work.bucket))
        this.#start(`bucket ${work.bucket.name} (${work.bucket.id})`, () =>
          this.#underLease(work, tended => this.#tend(tended, stop)),
        )
      }
    } catch (error) {
      this.#report('Upkeep failed', error)
    }
  }

  #start(name: string, work: () => Promise<void>): void {
    if (this.#busy.has(name) || this.#pauses.isPausing(name)) return
    this.#busy.add(name)
    const working = work()
      .then(() => this.#pauses.end(name))
      .catch((error: unknown) => {
        this.#pauses.begin(name)
        this.#report(`Upkeep failed: ${name}`, error)
      })
      .finally(() => {
        this.#busy.delete(name)
        this.#working.delete(working)
      })
    this.#working.add(working)
  }

  async #reconcileOwn(): Promise<void> {
    const { packWriter, openSession } = this.#tools
    if (packWriter.leftPacks().length > 0) await reconcileOwnPacks(await openSession(), this.#tools)
  }

  /** D2: a pack of its own, if no other one is about to tell them. */
  async #tell(bucket: Bucket): Promise<void> {
    await this.#tools.packs.tellDeletes(bucket, this.#tools.signal)
  }

  async #underLease(work: BucketWork, tend: (tended: TendedBucket) => Promise<void>): Promise<void> {
    const { database } = this.#tools
    const lease = await acquireLease(database, { subject: work.bucket.id, purpose: 'objects' })
    if (lease === null) return
    try {
      await tend({ work, lease })
    } finally {
      await lease.release()
    }
  }

  async #tend(tended: TendedBucket, stop: AbortSignal): Promise<void> {
    for (const stage of STAGES) {
      if (stop.aborted || !tended.lease.isHeld()) return
      await stage(this.#tools, tended)
    }
  }

  #report(what: string, error: unknown): void {
    if (this.#tools.signal.aborted) return
    this.#tools.log(`${what}: ${describeError(error).message}`)
  }
}

function isToldLate({ untoldSince, bucket }: BucketWork, { times }: UpkeepTools): boolean {
  if (untoldSince === null || bucket.removed_at !== null) return false
  return Date.now() - untoldSince.getTime() >= times.tellAfterMs
}

/** One that was interrupted, whoever began it. */
async function goOnUndeleting(tools: UpkeepTools, { work: { bucket } }: TendedBucket): Promise<void> {
  const at = await undeletingTo(tools.database, bucket.id)
  if (at !== null) await carryOutUndelete(tools, { bucket, at, signal: tools.signal })
}

async function drawDueCheckpoint(tools: UpkeepTools, { work, lease }: TendedBucket): Promise<void> {
  if (isCheckpointDue(work, tools.times)) await drawCheckpoint(tools, { bucket: work.bucket, lease })
}

async function copyToSecondChat(
  { secondChat, openSession }: UpkeepTools,
  tended: TendedBucket,
): Promise<void> {
  if (tended.work.bucket.removed_at === null) await secondChat?.copyLacking(await openSession(), tended)
}

/** A removed bucket ends when all its messages are gone. */
async function endRemoval({ database }: UpkeepTools, { work }: TendedBucket): Promise<void> {
  if (work.bucket.removed_at !== null) await endBucketRemoval(database, work.bucket.id)
}
