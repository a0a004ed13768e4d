import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkText } from '#input-checks.ts'
import { thisProcess } from '#leases/holder.ts'
import { endingLease, holdLease, type Lease, now } from '#leases/lease.ts'
import { claimLease, dropLease, heldByAnother } from '#leases/lease-rows.ts'
import { whenFree } from '#leases/lock-wait.ts'
import { lockByName } from '#named-locks.ts'

/** The right to run the hooks of a source on this machine. */
export interface HookRun {
  lease: Lease
  /** When an earlier run began that died before its `after` had ended; null when none did. */
  interruptedSince: Date | null
}

/** After so long, nobody waits for the `after` of a machine that never came back. */
const FORGOTTEN = sql`interval '30 days'`

/**
 * Begins a run of the hooks of a source on this machine. Until `endHookRun`, a run that finds this process
 * dead learns of it. CatalogError BUSY while a living process runs them, after the time to wait.
 */
export async function beginHookRun(database: Database, source: string): Promise<HookRun> {
  checkText('source', source)
  const { hostname } = thisProcess()
  return await whenFree(database, () => begin(database, { source, hostname }))
}

async function begin(
  database: Database,
  { source, hostname }: { source: string; hostname: string },
): Promise<HookRun> {
  const since = now()
  const begun = await inTransaction(database.kysely, async trx => {
    await lockByName(trx, `control_plane: hooks of ${source} on ${hostname}`)
    await sql`delete from control_plane.hook_runs where begun_at < clock_timestamp() - ${FORGOTTEN}
               and not exists (select from control_plane.leases where subject = hook_runs.id)`.execute(trx)
    const earlier = await trx
      .selectFrom('hook_runs')
      .select(['id', 'begun_at'])
      .where('source', '=', source)
      .where('hostname', '=', hostname)
      .executeTakeFirst()
    const id = earlier?.id ?? randomUUID()
    const token = await claimLease(trx, { subject: id, purpose: 'hooks' })
    if (token === null) throw await heldByAnother(trx, id, `The hooks of the source ${source} are in use`)
    if (earlier === undefined) await trx.insertInto('hook_runs').values({ id, source, hostname }).execute()
    return { id, token, interruptedSince: earlier?.begun_at ?? null }
  })
  const { id, token, interruptedSince } = begun
  return { lease: holdLease(database, id, token, since), interruptedSince }
}

/** `after` has ended. */
export async function endHookRun(database: Database, { lease }: HookRun): Promise<void> {
  const { subject, token } = lease
  await endingLease(token, () =>
    inTransaction(database.kysely, async trx => {
      const held = await trx
        .selectFrom('leases')
        .select('token')
        .where('subject', '=', subject)
        .forUpdate()
        .executeTakeFirst()
      // Another run has taken over, and runs `after` itself.
      if (held !== undefined && held.token !== token) return
      await trx.deleteFrom('hook_runs').where('id', '=', subject).execute()
      await dropLease(trx, subject, token)
    }),
  )
}
