import type { Catalog } from '#torture/world/catalog.ts'
import type { Row } from '#torture/world/catalog-server.ts'
import type { World } from '#torture/world/world.ts'

/** Catalogs whose ends of jobs are written down. */
const watched = new WeakSet<Catalog>()

/**
 * Lets PostgreSQL itself write down each end of a job, so that the judge need not believe the row that is
 * there at last.
 */
export async function watchJobs(catalog: Catalog): Promise<void> {
  if (watched.has(catalog)) return
  watched.add(catalog)
  for (const statement of WATCH) await catalog.rows(statement)
}

const ENDED = "('done', 'failed', 'cancelled')"
const WATCH = [
  'create schema torture',
  'create table torture.ends (job_id uuid not null, before text not null, after text not null)',
  `create function torture.note_end() returns trigger language plpgsql as $$ begin
     insert into torture.ends values (new.id, old.state, new.state); return new; end $$`,
  `create trigger note_end after update of state on control_plane.jobs for each row
     when (old.state is distinct from new.state and (old.state in ${ENDED} or new.state in ${ENDED}))
     execute function torture.note_end()`,
]

/** Jobs that have not ended, each in a few words. */
export async function openJobs(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rows(
    `select *, extract(epoch from run_after - clock_timestamp())::int as due from control_plane.jobs
      where state in ('queued', 'running') order by created_at`,
  )
  return rows.map(row => `${nameOf(row)}, ${row['state']}, attempt ${row['attempt']}, due in ${row['due']} s`)
}

/** Messages that a cancelled backup still has in a chat. */
export async function leftByCancelled(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rows(
    `select job.id, part.message_id from control_plane.jobs job
       join control_plane.backups backup on backup.id = job.backup_id and backup.state = 'failed'
       join control_plane.backup_parts part on part.backup_id = backup.id and part.state = 'sent'
      where job.kind = 'backup' and job.state = 'cancelled' order by part.message_id`,
  )
  return rows.map(row => `message ${row['message_id']} of the cancelled job ${row['id']} is kept`)
}

function nameOf(row: Row): string {
  const why = row['error_code'] === null ? '' : ` (${row['error_code']}: ${row['error']})`
  return `${row['kind']} job ${row['id']}${why}`
}

/** One request, as far as its answer was heard. */
export interface Asked {
  readonly kind: 'backup' | 'verify' | 'erase' | 'upload'
  /** Undefined when nobody knows whether it made a job. */
  jobId: string | undefined
}

interface Facts {
  /** All that was ever asked for on this catalog, and of it what is to be judged for the first time. */
  readonly asked: readonly Asked[]
  readonly lately: readonly Asked[]
  /** Nothing was lost but processes and connections: no reason for a job to fail. */
  readonly isFair: boolean
}

/**
 * Once no job is open: each has ended once; one that is done has done it, and a backup is of one job at most,
 * or a person has resumed it; what failed has a reason, and where nothing but processes was lost, nothing has
 * failed; no lease is left of any.
 */
export async function jobsCheck(world: World, facts: Facts): Promise<string[]> {
  const { catalog } = world
  const jobs = await catalog.rows('select * from control_plane.jobs order by created_at, id')
  const ends = await catalog.rows('select * from torture.ends')
  const backups = await catalog.rows('select * from control_plane.backups')
  const leases = await catalog.rows("select subject from control_plane.leases where purpose = 'job'")
  const stateOf = new Map(backups.map(row => [row['id'], String(row['state'])]))
  const violations = leases.map(({ subject }) => `limbo: a lease of job ${subject}, which has ended`)
  for (const { before, after, job_id: id } of ends) {
    if (before !== 'queued' && before !== 'running')
      violations.push(`job: ${id} was ${before}, then ${after}`)
  }
  for (const job of jobs) {
    const name = nameOf(job)
    // A service asks for these by itself, perhaps as its last act.
    if (job['kind'] === 'expire' && job['state'] === 'queued') continue
    const ended = ends.filter(({ job_id: id }) => id === job['id']).length
    if (ended !== 1) violations.push(`job: ${name} has ended ${ended} times and is ${job['state']}`)
    violations.push(...outcomeCheck(world, job, { ...facts, backup: stateOf.get(job['backup_id']) }))
  }
  return [...violations, ...backupsCheck(world, jobs, backups), ...countCheck(jobs, facts.asked)]
}

function outcomeCheck(
  { human, resumed }: World,
  job: Row,
  { lately, isFair, backup = 'none' }: Facts & { backup: string | undefined },
): string[] {
  const { kind, state, error_code: code } = job
  const words = `job: ${nameOf(job)} is ${state}, its backup ${backup}`
  const isUpload = kind === 'backup' && job['source'] === null
  if (state === 'done') {
    const isRight = (kind !== 'backup' || ONCE_WHOLE.has(backup)) && (kind !== 'erase' || backup === 'erased')
    return isRight ? [] : [words]
  }
  const isResumed = resumed.some(({ backupId }) => backupId === job['backup_id'])
  if (kind === 'backup' && ONCE_WHOLE.has(backup) && !isResumed) return [words]
  if (state === 'cancelled') {
    // Whoever asks for an upload and goes away wants it no more.
    return job['cancel_requested_at'] !== null || isUpload ? [] : [`${words}, and nobody wanted that`]
  }
  if (job['error'] === null || code === null) return [`${words}, without a word`]
  const mayFail = !isFair || isUpload || human.deleted.size > 0 || human.pinned
  const isNew = lately.some(({ jobId }) => jobId === job['id'])
  if (mayFail || !isNew || (kind !== 'backup' && GOOD_REASONS.has(String(code)))) return []
  return [`${words}, and only processes were lost`]
}

/** What another job on the same backup may be a reason for. */
const GOOD_REASONS = new Set(['LAST_BACKUP', 'NOT_FOUND', 'CONFLICT'])

/** States of a backup that was complete. */
const ONCE_WHOLE: ReadonlySet<string> = new Set(['complete', 'erasing', 'erased'])

/**
 * Each backup of a source that was ever complete is of one job. Exception: whoever resumes one of which
 * nothing is left, or whose file has changed, sends the source anew, without a job. Jobs of a catalog that
 * is lost are not known any more.
 */
function backupsCheck(world: World, jobs: readonly Row[], backups: readonly Row[]): string[] {
  if (world.former.length > 0) return []
  const resumes = world.resumed.map(({ source }) => source)
  return backups.flatMap(({ id, state, source_name: source }) => {
    if (!ONCE_WHOLE.has(String(state))) return []
    const of = jobs.filter(job => job['kind'] === 'backup' && job['backup_id'] === id)
    if (of.length === 1 || (of.length === 0 && source === null)) return []
    const resume = of.length === 0 ? resumes.indexOf(String(source)) : -1
    if (resume < 0) return [`job: backup ${id} of ${source ?? 'no source'} is of ${of.length} jobs`]
    resumes.splice(resume, 1)
    return []
  })
}

/** No job that was accepted is gone, and a request that was repeated has made one job. */
function countCheck(jobs: readonly Row[], asked: readonly Asked[]): string[] {
  const known = new Set(jobs.map(({ id }) => id))
  const violations = asked.flatMap(({ kind, jobId }) =>
    jobId === undefined || known.has(jobId) ? [] : [`lost: the ${kind} job ${jobId} that was accepted`],
  )
  const made = jobs.filter(({ kind, source }) => kind === 'backup' && source !== null).length
  const wanted = asked.filter(({ kind }) => kind === 'backup').length
  return made <= wanted ? violations : [...violations, `twice: ${made} backup jobs of ${wanted} requests`]
}
