import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { storable } from '#input-checks.ts'
import type { Job, JobError, JobProgress } from '#jobs/types.job.ts'

const NOTHING_DONE: JobProgress = { bytes_done: 0, bytes_total: null, parts_done: 0 }

/** A row as the rest of the program sees it. */
export function jobOf(row: Selectable<CatalogSchema['jobs']>): Job {
  const { error, error_code, error_hint, progress, api_key_id, idempotency_key, ...rest } = row
  return {
    ...rest,
    progress: { ...NOTHING_DONE, ...(progress as Partial<JobProgress> | null) },
    error: errorOf({ error, error_code, error_hint }),
  }
}

function errorOf(row: {
  error: string | null
  error_code: string | null
  error_hint: string | null
}): JobError | null {
  if (row.error === null) return null
  return {
    code: row.error_code ?? 'UNEXPECTED',
    message: row.error,
    ...(row.error_hint === null ? {} : { hint: row.error_hint }),
  }
}

/** The column `tries`, with one more failure of that code. */
export function oneMoreTry(code: string): RawBuilder<Job['tries']> {
  return sql`tries || jsonb_build_object(${code}::text, coalesce((tries ->> ${code}::text)::integer, 0) + 1)`
}

/** Characters. A server's message may be far longer; the log has all of it. */
const MOST_OF_WORDS = 8 * 1024

/** The error columns of a job; nulls without an error. */
export function errorColumns(
  error: JobError | undefined,
): Record<'error' | 'error_code' | 'error_hint', string | null> {
  return {
    error: error === undefined ? null : storable(error.message.slice(0, MOST_OF_WORDS)),
    error_code: error === undefined ? null : storable(error.code),
    error_hint: error?.hint === undefined ? null : storable(error.hint),
  }
}

/** Locks and returns the job. */
export async function lockJob(kysely: Kysely<CatalogSchema>, jobId: string): Promise<Job | undefined> {
  const row = await kysely
    .selectFrom('jobs')
    .selectAll()
    .where('id', '=', jobId)
    .forUpdate()
    .executeTakeFirst()
  return row && jobOf(row)
}
