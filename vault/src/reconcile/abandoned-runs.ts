import { setTimeout as sleep } from 'node:timers/promises'
import { resumeErases } from '#erase/resume-erases.ts'
import { findUnfinished, type Unfinished } from '#reconcile/find-unfinished.ts'
import { reconcileRun } from '#reconcile/reconcile-run.ts'
import { cancelled, reportPending, type VaultSession } from '#session/session.ts'

const POLL_MS = 1_000

/**
 * R1 to R6, in rounds. While a lease is held, only time says whether its holder lives: a living holder renews
 * it, that of a dead one expires. So runs that are seen to renew are left alone, and dead ones are reconciled
 * once their lease has expired, within `waitMs`.
 * @param options.except ids that are left alone
 * @param options.waitForLiving waits for living runs as well, until all is at rest, however long that takes
 */
export async function reconcileAbandonedRuns(
  session: VaultSession,
  options: { waitMs: number; only?: 'erasing'; except?: Iterable<string>; waitForLiving?: boolean },
): Promise<void> {
  const { waitMs, only, waitForLiving = false } = options
  const { report } = session
  const until = performance.now() + waitMs
  const leases = new LeaseWatch()
  const done = new Set<string>(options.except)
  for (let round = 1; ; round++) {
    const found = (await findUnfinished(session)).filter(
      run => !done.has(run.id) && (only === undefined || run.kind === only),
    )
    const living = found.filter(run => leases.isRenewed(run) && !waitForLiving)
    for (const run of living) {
      report.kept.push({ ...run.reported, reason: 'A process that is alive works on it' })
      done.add(run.id)
    }
    const others = found.filter(run => !living.includes(run))
    const reconciled = await reconcileRound(session, others)
    for (const { id } of reconciled) done.add(id)
    const held = others.filter(run => !reconciled.has(run))
    if (held.length === 0) return
    if (performance.now() >= until && !waitForLiving) {
      const reason = 'A process works on it that may be alive'
      for (const run of held) report.kept.push({ ...run.reported, reason })
      return
    }
    if (round === 1) sayWhatIsAwaited(session, held.length, waitForLiving)
    await sleep(POLL_MS, undefined, { signal: session.signal }).catch(() => {
      throw cancelled()
    })
  }
}

/** Remembers when each lease would have expired, as it was seen first. */
class LeaseWatch {
  readonly #seenFirst = new Map<string, number>()

  /** Whether the holder has renewed the lease since it was seen first. */
  isRenewed({ id, leaseExpiresAt, isAlive }: Unfinished): boolean {
    const expiresAt = leaseExpiresAt?.getTime() ?? 0
    const first = this.#seenFirst.get(id) ?? expiresAt
    this.#seenFirst.set(id, first)
    return isAlive && expiresAt > first
  }
}

/** Reconciles the runs one by one, then all erases together. Returns those that no other process holds. */
async function reconcileRound(
  session: VaultSession,
  runs: readonly Unfinished[],
): Promise<ReadonlySet<Unfinished>> {
  const done = new Set<Unfinished>()
  const erases = runs.filter(run => run.kind === 'erasing')
  for (const run of runs) {
    if (run.kind !== 'erasing' && (await reconcileOne(session, run))) done.add(run)
  }
  const ids = erases.map(({ id }) => id)
  const erased = await resumeErases(session, ids) // R4
  for (const run of erases) if (erased.has(run.id)) done.add(run)
  return done
}

/** False while another process holds it. A failure goes into the report, and stops no other run. */
async function reconcileOne(session: VaultSession, run: Unfinished): Promise<boolean> {
  try {
    return (await reconcileRun(session, run)) === 'done'
  } catch (error) {
    reportPending(session, run.reported, error)
    return true
  }
}

function sayWhatIsAwaited({ say }: VaultSession, count: number, waitForLiving: boolean): void {
  say(
    waitForLiving
      ? `waiting for another process that works on ${count} of them`
      : 'waiting for a lease to be renewed or to expire',
  )
}
