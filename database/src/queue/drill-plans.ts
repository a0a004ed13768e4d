import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { catalogClock } from '#clock.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { BackupType } from '#jobs/types.backup.ts'
import type { Job } from '#jobs/types.job.ts'
import { type DrillUnit, drillUnits } from '#monitoring/drill-facts.ts'
import { tryLockByName } from '#named-locks.ts'
import { createJobIn, type DeliverJob } from '#queue/job-requests.ts'
import { type SampledLately, sampledLately } from '#queue/sampling.ts'

/** A source as telegram-backup.yaml has it. */
export interface DeclaredDrill {
  project_id: string
  type: BackupType
  source_name: string
  /** A drill has to prove it within so long, in milliseconds; null: no drills by themselves. */
  within_ms: number | null
}

export interface DrillDecision {
  /** The drill to make now. */
  drill?: DrillUnit | undefined
  /** Due drills that are not made now, and why, for people. */
  waiting: readonly { unit: DrillUnit; reason: string }[]
}

/** A plan that no serve has declared for so long is forgotten: its source has left every file. */
const FORGOTTEN = sql`interval '1 day'`

/** Records which proofs a serve wants of its sources, and since when it wants each. */
export async function declareDrills(database: Database, declared: readonly DeclaredDrill[]): Promise<void> {
  await inTransaction(database.kysely, trx => declareIn(trx, declared))
}

/** The proofs that serves want. */
export async function drillPlans({
  kysely,
}: Database): Promise<{ project_id: string; type: string; source: string; within_ms: number }[]> {
  return await kysely
    .selectFrom('drill_plans')
    .select(['project_id', 'type', 'source', 'within_ms'])
    .execute()
}

/**
 * Declares the sources, lets `decide` choose among their units, by the database's time, and makes the job.
 * One transaction under a lock: several processes make each choice once. Undefined when there is nothing to
 * make, or another process chooses.
 */
export async function planDrill(
  database: Database,
  of: {
    declared: readonly DeclaredDrill[]
    decide: (facts: { units: readonly DrillUnit[]; lately: SampledLately; now: Date }) => DrillDecision
    deliver: DeliverJob
  },
): Promise<Job | undefined> {
  return await inTransaction(database.kysely, async trx => {
    if (!(await tryLockByName(trx, 'telegram-backup drills'))) return undefined
    await declareIn(trx, of.declared)
    const now = await catalogClock({ kysely: trx })
    const units = await drillUnits({ kysely: trx })
    const own = units.filter(unit => of.declared.some(one => keyOf(one) === keyOf(unit)))
    const { drill, waiting } = of.decide({ units: own, lately: await sampledLately(trx), now })
    await noteWaiting(trx, of.declared, waiting)
    if (drill === undefined) return undefined
    const { job } = await createJobIn(
      trx,
      {
        ...{
          kind: 'drill',
          projectId: drill.project_id,
          backupId: drill.backup_id,
          source: drill.source_name,
        },
        options: { planned: true },
      },
      { actor: 'drills', deliver: of.deliver },
    )
    return job
  })
}

async function declareIn(trx: Transaction<CatalogSchema>, declared: readonly DeclaredDrill[]): Promise<void> {
  // In one order: otherwise two processes could wait for each other's rows.
  for (const one of declared.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const { project_id, type, source_name: source, within_ms } = one
    if (within_ms === null) {
      await trx
        .deleteFrom('drill_plans')
        .where('project_id', '=', project_id)
        .where('type', '=', type)
        .where('source', '=', source)
        .execute()
      continue
    }
    await trx
      .insertInto('drill_plans')
      .values({ project_id, type, source, within_ms })
      .onConflict(conflict =>
        conflict
          .columns(['project_id', 'type', 'source'])
          .doUpdateSet({ within_ms, declared_at: sql<Date>`clock_timestamp()` }),
      )
      .execute()
  }
  await trx
    .deleteFrom('drill_plans')
    .where('declared_at', '<', sql<Date>`clock_timestamp() - ${FORGOTTEN}`)
    .execute()
}

async function noteWaiting(
  trx: Transaction<CatalogSchema>,
  declared: readonly DeclaredDrill[],
  waiting: DrillDecision['waiting'],
): Promise<void> {
  for (const { project_id, type, source_name } of declared) {
    const of = keyOf({ project_id, type, source_name })
    const reason = waiting.find(({ unit }) => keyOf(unit) === of)?.reason ?? null
    await trx
      .updateTable('drill_plans')
      .set({ waits_for: reason })
      .where('project_id', '=', project_id)
      .where('type', '=', type)
      .where('source', '=', source_name)
      .where(sql<boolean>`waits_for is distinct from ${reason}::text`)
      .execute()
  }
}

function keyOf(one: Pick<DeclaredDrill, 'project_id' | 'type' | 'source_name'>): string {
  return JSON.stringify([one.project_id, one.type, one.source_name])
}
