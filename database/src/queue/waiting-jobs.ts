import { type Selectable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { NewJob } from '#jobs/types.job.ts'
import { lockByName } from '#named-locks.ts'

type JobRow = Selectable<CatalogSchema['jobs']>
/** A request over HTTP: by an API key, or by a person. */
type KeyRequest = NewJob & { byCaller: NonNullable<NewJob['byCaller']> }

/**
 * How many jobs of one caller over HTTP may wait. Equal requests wait once, so one gets there only with
 * different ones: a verification of each backup of half a year, say. Two callers fill the bound of their
 * project.
 */
export const MOST_WAITING = { ofKey: 200, ofProject: 400 } as const
/**
 * How many idempotency keys may name one waiting job: each is a row, and a client in a loop would add rows
 * without end.
 */
export const MOST_FURTHER_KEYS = 1_000

/**
 * Until this transaction ends, no other one of this key or project, on any machine, looks at the waiting
 * jobs.
 */
export async function lockWaiting(
  trx: Transaction<CatalogSchema>,
  { byCaller, projectId }: KeyRequest,
): Promise<void> {
  // Always the key before the project, to avoid deadlocks.
  await lockByName(trx, `control_plane: waiting jobs of key ${byCaller.callerId.toLowerCase()}`)
  if (projectId !== undefined) await lockByName(trx, `control_plane: waiting jobs of project ${projectId}`)
}

/** The job of an idempotency key: the one that it made, or the one that waited when it was used. */
export async function jobNamedBy(
  trx: Transaction<CatalogSchema>,
  { callerId, idempotencyKey }: KeyRequest['byCaller'],
): Promise<JobRow | undefined> {
  if (idempotencyKey === undefined) return undefined
  const own = await trx
    .selectFrom('jobs')
    .selectAll()
    .where('api_key_id', '=', callerId)
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirst()
  if (own !== undefined) return own
  return await trx
    .selectFrom('further_idempotency_keys as further')
    .innerJoin('jobs', 'jobs.id', 'further.job_id')
    .selectAll('jobs')
    .where('further.api_key_id', '=', callerId)
    .where('further.idempotency_key', '=', idempotencyKey)
    .executeTakeFirst()
}

/**
 * The waiting job for the same request of the same caller; the new idempotency key also names it from now
 * on. A backup that has begun and waits to continue does not count: it reads older data. CatalogError
 * QUEUE_FULL when too many keys name it.
 */
export async function sameWaiting(
  trx: Transaction<CatalogSchema>,
  request: KeyRequest,
): Promise<JobRow | undefined> {
  const { callerId, idempotencyKey } = request.byCaller
  const row = await trx
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'queued')
    .where('api_key_id', '=', callerId)
    .where('kind', '=', request.kind)
    .where('cancel_requested_at', 'is', null)
    .where(
      sql<boolean>`(project_id, backup_id, source, target, options) is not distinct from
        (${request.projectId ?? null}::text, ${request.backupId ?? null}::uuid, ${request.source ?? null}::text,
         ${request.target ?? null}::text, ${JSON.stringify(request.options ?? {})}::jsonb)`,
    )
    .orderBy('created_at')
    .limit(1)
    // No process can begin it between this look and the answer.
    .forUpdate()
    .executeTakeFirst()
  if (row !== undefined && idempotencyKey !== undefined) {
    const { keys } = await trx
      .selectFrom('further_idempotency_keys')
      .select(({ fn }) => fn.countAll<number>().as('keys'))
      .where('job_id', '=', row.id)
      .executeTakeFirstOrThrow()
    if (Number(keys) >= MOST_FURTHER_KEYS)
      throw queueFull(`${keys} idempotency keys already name this waiting job`)
    await trx
      .insertInto('further_idempotency_keys')
      .values({ api_key_id: callerId, idempotency_key: idempotencyKey, job_id: row.id })
      .execute()
  }
  return row
}

/** CatalogError QUEUE_FULL when too many jobs of the caller or the project wait. */
export async function assertRoomToWait(
  trx: Transaction<CatalogSchema>,
  { byCaller, projectId }: KeyRequest,
): Promise<void> {
  const { rows } = await sql<{ of_key: number; of_project: number }>`
    select pg_catalog.count(*) filter (where api_key_id = ${byCaller.callerId}::uuid) as of_key,
           pg_catalog.count(*) filter (where project_id = ${projectId ?? null}::text) as of_project
      from control_plane.jobs where state = 'queued' and api_key_id is not null
  `.execute(trx)
  const { of_key: ofKey = 0, of_project: ofProject = 0 } = rows[0] ?? {}
  if (ofKey >= MOST_WAITING.ofKey) throw queueFull(`${ofKey} jobs that you requested are waiting`)
  if (ofProject >= MOST_WAITING.ofProject) throw queueFull(`${ofProject} jobs of this project are waiting`)
}

function queueFull(message: string): CatalogError {
  return new CatalogError(message, {
    code: 'QUEUE_FULL',
    hint: 'Wait until some of them have ended, or cancel some.',
  })
}
