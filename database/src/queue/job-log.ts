import { sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkTime, checkUuid, storable } from '#input-checks.ts'

/** A line that a job's stage reported. */
export interface JobLogLine {
  /** Counts up; the order of the lines. */
  id: number
  at: Date
  /** One of `JOB_STAGES` of the engine; an older or newer program may know others. */
  stage: string
  level: JobLogLevel
  text: string
}
export type JobLogLevel = CatalogSchema['job_log']['level']

/** Characters of one line; the rest of a longer one is dropped. */
const MOST_OF_LINE = 8 * 1024

/** Adds lines to the log of a job, in order. Lines of a job that was deleted are dropped. */
export async function addJobLog(
  { kysely }: Database,
  { jobId, lines }: { jobId: string; lines: readonly Pick<JobLogLine, 'stage' | 'level' | 'text'>[] },
): Promise<void> {
  checkUuid('job id', jobId)
  if (lines.length === 0) return
  const column = (name: 'stage' | 'level' | 'text'): string[] =>
    lines.map(line => storable(line[name].slice(0, MOST_OF_LINE)))
  await sql`
    insert into control_plane.job_log (job_id, stage, level, text)
    select jobs.id, line.stage, line.level, line.text
      from control_plane.jobs,
           unnest(${column('stage')}::text[], ${column('level')}::text[], ${column('text')}::text[])
             with ordinality as line (stage, level, text, place)
     where jobs.id = ${jobId}::uuid order by line.place
  `.execute(kysely)
}

/** The lines of a job, oldest first; `after` is the id of the last line of the page before. */
export async function listJobLog(
  { kysely }: Database,
  {
    jobId,
    stage,
    after = 0,
    limit,
  }: { jobId: string; stage?: string | undefined; after?: number | undefined; limit: number },
): Promise<JobLogLine[]> {
  checkUuid('job id', jobId)
  checkCount('limit', limit, 1)
  let lines = kysely
    .selectFrom('job_log')
    .select(['id', 'at', 'stage', 'level', 'text'])
    .where('job_id', '=', jobId)
    .where('id', '>', after)
  if (stage !== undefined) lines = lines.where('stage', '=', stage)
  return await lines.orderBy('id').limit(limit).execute()
}

/** The newest lines of a job, oldest first. */
export async function newestOfJobLog(
  { kysely }: Database,
  { jobId, limit }: { jobId: string; limit: number },
): Promise<JobLogLine[]> {
  checkUuid('job id', jobId)
  checkCount('limit', limit, 1)
  const lines = await kysely
    .selectFrom('job_log')
    .select(['id', 'at', 'stage', 'level', 'text'])
    .where('job_id', '=', jobId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return lines.reverse()
}

/** Deletes lines that are older, at most `limit` at a time, and returns their number. */
export async function pruneJobLog(
  { kysely }: Database,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  checkTime('time', before)
  checkCount('limit', limit, 1)
  const { numAffectedRows } = await sql`
    with old as materialized (select id from control_plane.job_log where at < ${before} order by at limit ${limit})
    delete from control_plane.job_log using old where job_log.id = old.id
  `.execute(kysely)
  return Number(numAffectedRows ?? 0)
}
