import type { ApiKey } from '@telegram-backup/database'
import { sees } from '@telegram-backup/engine/jobs/key-rights.ts'
import { BackupError } from '@telegram-backup/errors'

/** What was found, if the key sees it. Throws `NOT_FOUND` in the same words for what it must not see and for what is not there. */
export function found<Thing extends { project_id: string | null }>(
  caller: ApiKey,
  thing: Thing | null,
  noun: Noun,
): Thing {
  if (thing !== null && sees(caller, thing.project_id)) return thing
  throw notFound(noun)
}

/** Throws `NOT_FOUND` for a project that the key must not see; for the others it does not matter whether they exist. */
export function assertSees(caller: ApiKey, projectId: string | undefined): void {
  if (projectId !== undefined && !sees(caller, projectId)) throw notFound('project')
}

/** The project that a list is of: the one that was asked for, else the key's own, else all. */
export function projectOf(caller: ApiKey, projectId: string | undefined): string | undefined {
  assertSees(caller, projectId)
  return projectId ?? caller.project_id ?? undefined
}

/** The name in history and jobs. */
export function actorOf({ name, id }: ApiKey): string {
  return `key ${name.slice(0, 80)} (${id.slice(0, 8)})`
}

/** In the same words for what is not there and for what the key does not see. */
export function notFound(noun: Noun): BackupError {
  return new BackupError(`There is no such ${noun}`, { code: 'NOT_FOUND', hint: WHERE_TO_LOOK[noun] })
}

type Noun = 'backup' | 'job' | 'schedule' | 'project' | 'source' | 'target'

const FOR_KEYS_OF_A_PROJECT = 'A key that is bound to a project sees those of that project alone.'
const WHERE_TO_LOOK: Readonly<Record<Noun, string>> = {
  backup: 'GET /api/v1/backups lists those that the key sees.',
  job: 'GET /api/v1/jobs lists those that the key sees.',
  schedule: 'GET /api/v1/schedules lists those that the key sees.',
  project: FOR_KEYS_OF_A_PROJECT,
  source: `The telegram-backup.yaml of the service names the sources. ${FOR_KEYS_OF_A_PROJECT}`,
  target: `The telegram-backup.yaml of the service names the targets. ${FOR_KEYS_OF_A_PROJECT}`,
}
