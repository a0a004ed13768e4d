import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { catalogClock } from '#clock.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { Job } from '#jobs/types.job.ts'
import { tryLockByName } from '#named-locks.ts'
import { type DrillUnit, drillUnits } from '#queue/drill-units.ts'
import { drillWishes, placeKey, type SourcePlace } from '#queue/drill-wishes.ts'
import { createJobIn, type DeliverJob } from '#queue/job-requests.ts'
import { type SampledLately, sampledLately } from '#queue/sampling.ts'

export interface DrillDecision {
  /** The drill to make now. */
  drill?: DrillUnit | undefined
  /** Due drills that are not made now, and why, for people. */
  waiting: readonly { unit: DrillUnit; reason: string }[]
}

/**
 * Lets `decide` choose among the units of the sources that this process can drill, by the database's time,
 * and makes the job. One transaction under a lock: several processes make each choice once. Undefined when
 * there is nothing to make, or another process chooses.
 */
export async function planDrill(
  database: Database,
  of: {
    own: readonly SourcePlace[]
    decide: (facts: { units: readonly DrillUnit[]; lately: SampledLately; now: Date }) => DrillDecision
    deliver: DeliverJob
  },
): Promise<Job | undefined> {
  return await inTransaction(database.kysely, async trx => {
    if (!(await tryLockByName(trx, 'telegram-backup drills'))) return undefined
    await notePlans(trx)
    const now = await catalogClock({ kysely: trx })
    const ownKeys = new Set(of.own.map(placeKey))
    const units = (await drillUnits({ kysely: trx })).filter(unit => ownKeys.has(placeKey(unit)))
    const { drill, waiting } = of.decide({ units, lately: await sampledLately(trx), now })
    await noteWaiting(trx, of.own, waiting)
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

/** A plan for each wish, which remembers since when it is there, and none for others. */
async function notePlans(trx: Transaction<CatalogSchema>): Promise<void> {
  const wishes = await drillWishes({ kysely: trx })
  for (const { project_id, type, source_name: source } of wishes) {
    await trx
      .insertInto('drill_plans')
      .values({ project_id, type, source })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  }
  const wanted = new Set(wishes.map(placeKey))
  const plans = await trx
    .selectFrom('drill_plans')
    .select(['project_id', 'type', 'source as source_name'])
    .execute()
  for (const { project_id, type, source_name } of plans.filter(plan => !wanted.has(placeKey(plan)))) {
    await trx
      .deleteFrom('drill_plans')
      .where('project_id', '=', project_id)
      .where('type', '=', type)
      .where('source', '=', source_name)
      .execute()
  }
}

async function noteWaiting(
  trx: Transaction<CatalogSchema>,
  places: readonly SourcePlace[],
  waiting: DrillDecision['waiting'],
): Promise<void> {
  for (const place of places) {
    const reason = waiting.find(({ unit }) => placeKey(unit) === placeKey(place))?.reason ?? null
    await trx
      .updateTable('drill_plans')
      .set({ waits_for: reason })
      .where('project_id', '=', place.project_id)
      .where('type', '=', place.type)
      .where('source', '=', place.source_name)
      .where(sql<boolean>`waits_for is distinct from ${reason}::text`)
      .execute()
  }
}
