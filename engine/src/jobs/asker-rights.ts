import { type ApiScope, type Database, type Job, type JobKind, keyThatAsked } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { assertScope, sees } from '#jobs/key-rights.ts'

/** The scope that a key needs to ask for each kind of job. */
export const SCOPE_FOR: Readonly<Record<JobKind, ApiScope>> = {
  backup: 'backup',
  restore: 'restore',
  verify: 'restore',
  drill: 'restore',
  erase: 'admin',
  expire: 'admin',
}

/**
 * Checks the rights again right before a job acts: since it was requested, its key may have been revoked, or
 * a source or target may have moved to another project. A job without a key may act. Throws `FORBIDDEN`.
 * @param projects further projects that the job touches, as the file has them now; null belongs to no
 * project, and only keys without a project may use it
 */
export async function assertAskerMay(
  database: Database,
  job: Job,
  projects: readonly (string | null)[] = [],
): Promise<void> {
  const key = await keyThatAsked(database, job.id)
  if (key === null) return
  if (key === 'gone') {
    throw new BackupError('The API key that requested this was revoked or has expired since', {
      code: 'FORBIDDEN',
      hint: 'Request it again with a valid key.',
    })
  }
  assertScope(key, SCOPE_FOR[job.kind])
  if ([job.project_id, ...projects].every(project => sees(key, project))) return
  throw new BackupError(
    `The API key that requested this is limited to a project, and ${job.target === null ? 'the job' : 'the target'} no longer belongs to that project`,
    { code: 'FORBIDDEN', hint: 'Request it again with a key of that project, or of no project.' },
  )
}
