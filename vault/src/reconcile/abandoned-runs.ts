import { setTimeout as sleep } from 'node:timers/promises'
import { resumeErases } from '#erase/resume-erases.ts'
import { findUnfinished, type Unfinished } from '#reconcile/find-unfinished.ts'
import { reconcileRun } from '#reconcile/reconcile-run.ts'
import { cancelled, reportPending, type VaultSession } from '#session/session.ts'

const POLL_MS = 1_000

/**
 * R1 to R6, in rounds. While a lease is held, only time shows whether its holder lives: a living holder
 * renews it. Runs that renew their lease are left alone; the others are reconciled when it expires, within
 * `waitMs`.
 * @param options.except ids that are left alone
 * @param options.waitForLiving also waits for living runs, however long that takes
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
      for (const run of held)
        report.kept.push({ ...run.reported, reason: 'A process that may be alive works on it' })
      return
    }
    if (round === 1) {
      session.say(
        waitForLiving
          ? `waiting for another process that works on ${held.length} of them`
          : 'waiting for a lease to be renewed or to expire',
      )
    }
    await sleep(POLL_MS, undefined, { signal: session.signal }).catch(() => {
      throw cancelled()
    })
  }
}

/** Remembers the first seen end of each lease. */
class LeaseWatch {
  readonly #seenFirst = new Map<string, number>()

  /** Whether the holder has renewed the lease since its first look. */
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
  for (const [index, run] of runs.entries()) {
    if (run.kind !== 'erasing' && (await reconcileOne(session, run))) done.add(run)
    session.onProgress?.({ stage: 'runs', done: index + 1, total: runs.length })
  }
  const erases = runs.filter(run => run.kind === 'erasing')
  const erased = await resumeErases(
    session,
    erases.map(({ id }) => id),
  ) // R4
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
