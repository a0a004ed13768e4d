import type { Database } from '@telegram-backup/database'
import { actorOf, type Caller, sees } from '@telegram-backup/engine/access/caller.ts'
import type { ConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import type { TargetSettings } from '@telegram-backup/engine/config/config-file-schema.ts'
import { BackupError } from '@telegram-backup/errors'

/** The names in telegram-backup.yaml. A request names sources and targets, and never says more about them. */
export type Names = Pick<ConfigFile, 'source' | 'target' | 'projectOf' | 'sourceNames' | 'targetNames'>

/** Returns what was found, if the caller may see it. Else throws `NOT_FOUND`, as for what does not exist. */
export function found<Thing extends { project_id: string | null }>(
  caller: Caller,
  thing: Thing | null,
  noun: Noun,
): Thing {
  if (thing !== null && sees(caller, thing.project_id)) return thing
  throw notFound(noun)
}

/** Throws `NOT_FOUND` for a project that the caller may not see; other projects need not exist. */
export function assertSees(caller: Caller, projectId: string | undefined): void {
  if (projectId !== undefined && !sees(caller, projectId)) throw notFound('project')
}

/** The project to list: the requested one, else the caller’s own, else all. */
export function projectOf(caller: Caller, projectId: string | undefined): string | undefined {
  assertSees(caller, projectId)
  return projectId ?? caller.project_id ?? undefined
}

/** Whether names of machines, servers and users, and what quotes them, may be shown to the caller. */
export function seesPlaces({ scopes }: Caller): boolean {
  return scopes.includes('admin')
}

/** The catalog, for acts in the name of the caller. */
export function inNameOf(caller: Caller, database: Database): Database {
  return { ...database, actor: actorOf(caller) }
}

/**
 * The project of a source. Throws `NOT_FOUND` for a source that is not named or that the caller may not see,
 * before its settings are read: only keys that see it may learn what is wrong with them (`CONFIGURATION`).
 */
export function projectOfSource(names: Names, caller: Caller, name: string): string {
  assertNamed(names, caller, { kind: 'source', name })
  const { project } = names.source(name)
  if (project === undefined) throw notFound('source')
  return project
}

/** The settings of a target. Only a key that is not limited to a project sees a target without one. */
export function targetFor(names: Names, caller: Caller, name: string): TargetSettings {
  assertNamed(names, caller, { kind: 'target', name })
  return names.target(name)
}

function assertNamed(
  names: Names,
  caller: Caller,
  { kind, name }: { kind: 'source' | 'target'; name: string },
): void {
  const isNamed = names[`${kind}Names`].includes(name)
  if (!isNamed || !sees(caller, names.projectOf(kind, name) ?? null)) throw notFound(kind)
}

/** The same error for what does not exist and for what the caller may not see. */
export function notFound(noun: Noun): BackupError {
  return new BackupError(`There is no such ${noun}`, { code: 'NOT_FOUND', hint: WHERE_TO_LOOK[noun] })
}

type Noun =
  | 'backup'
  | 'job'
  | 'schedule'
  | 'project'
  | 'source'
  | 'target'
  | 'evidence'
  | 'alert'
  | 'drill'
  | 'key'
  | 'door key'
  | 'person'
  | 'session'

const LIMITED_KEYS = 'A key that is limited to a project sees only what belongs to it.'
const WHERE_TO_LOOK: Readonly<Record<Noun, string>> = {
  evidence: 'GET /api/v1/evidence lists the records that you see.',
  backup: 'GET /api/v1/backups lists the backups that you see.',
  job: 'GET /api/v1/jobs lists the jobs that you see.',
  schedule: 'GET /api/v1/schedules lists the schedules that you see.',
  alert: 'GET /api/v1/alerts?state=all lists the alerts that you see.',
  drill: 'GET /api/v1/drills lists the drills that you see.',
  key: 'GET /api/v1/keys lists the keys that you see.',
  'door key': 'GET /api/v1/door-keys lists the keys that you see.',
  person: 'GET /api/v1/people lists the people whom you see.',
  session: 'GET /api/v1/sessions lists the sessions that you see; others have ended.',
  project: LIMITED_KEYS,
  source: `The telegram-backup.yaml of the service names the sources. ${LIMITED_KEYS}`,
  target: `The telegram-backup.yaml of the service names the targets. ${LIMITED_KEYS}`,
}
