import { type ApiScope, askerOfJob, type Database, type Job, type JobKind } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { assertScope, sees } from '#access/caller.ts'

/** The scope that somebody needs to ask for each kind of job. */
export const SCOPE_FOR: Readonly<Record<JobKind, ApiScope>> = {
  backup: 'backup',
  restore: 'restore',
  verify: 'restore',
  drill: 'restore',
  erase: 'admin',
  expire: 'admin',
}

/**
 * Checks the rights again right before a job acts: since it was requested, its key may have been revoked, its
 * person removed, or a source or target may have moved to another project. A job that nobody asked for over
 * HTTP may act. Throws `FORBIDDEN`.
 * @param projects further projects that the job touches, as the file has them now; null belongs to no
 * project, and only keys without a project may use it
 */
export async function assertAskerMay(
  database: Database,
  job: Job,
  projects: readonly (string | null)[] = [],
): Promise<void> {
  const asker = await askerOfJob(database, job.id)
  if (asker === null) return
  if (asker === 'gone') {
    throw new BackupError('The API key that requested this was revoked or has expired since', {
      code: 'FORBIDDEN',
      hint: 'Request it again with a valid key.',
    })
  }
  if (asker === 'removed') {
    throw new BackupError('The person who requested this was removed since', {
      code: 'FORBIDDEN',
      hint: 'Somebody else can request it again.',
    })
  }
  assertScope(asker, SCOPE_FOR[job.kind])
  if ([job.project_id, ...projects].every(project => sees(asker, project))) return
  const who = asker.kind === 'key' ? 'The API key that requested this' : 'The person who requested this'
  throw new BackupError(
    `${who} is limited to a project, and ${job.target === null ? 'the job' : 'the target'} no longer belongs to that project`,
    { code: 'FORBIDDEN', hint: 'Request it again with a key of that project, or of no project.' },
  )
}
