import { type ApiScope, type Database, type Job, type JobKind, keyThatAsked } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { assertScope, sees } from '#jobs/key-rights.ts'

/** What a key has to be allowed to ask for each kind of job. */
export const SCOPE_FOR: Readonly<Record<JobKind, ApiScope>> = {
  backup: 'backup',
  restore: 'restore',
  verify: 'restore',
  erase: 'admin',
  expire: 'admin',
}

/**
 * Judges once more, now that the job is about to act, what was judged when it was asked for: between the two
 * a key may have been revoked, and a source or a target may have come to another project. Throws `FORBIDDEN`;
 * a job that no key asked for may.
 *
 * @param projects of what the job is about to touch besides its own project, as the file has them now; null
 * for one that belongs   to none, and is there for keys that are bound to none.
 */
export async function assertAskerMay(
  database: Database,
  job: Job,
  projects: readonly (string | null)[] = [],
): Promise<void> {
  const key = await keyThatAsked(database, job.id)
  if (key === null) return
  if (key === 'gone') {
    throw new BackupError('The API key that asked for this was revoked or has expired since', {
      code: 'FORBIDDEN',
      hint: 'Ask for it once more, with a key that is good.',
    })
  }
  assertScope(key, SCOPE_FOR[job.kind])
  if ([job.project_id, ...projects].every(project => sees(key, project))) return
  throw new BackupError(
    `The API key that asked for this is bound to a project to which ${job.target === null ? 'it' : 'the target'} does not belong now`,
    {
      code: 'FORBIDDEN',
      hint: 'Ask for it once more, with a key of that project or of none.',
    },
  )
}
