import type { ApiKey } from '@telegram-backup/database'
import { sees } from '@telegram-backup/engine/jobs/key-rights.ts'
import { notFound } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'

type Names = HttpPorts['configFile']

/**
 * The project of a source that the file names and the key sees. Throws `NOT_FOUND`, in the same words for both,
 * `CONFIGURATION` for a source whose settings cannot be used.
 */
export function projectOfSource(names: Names, caller: ApiKey, name: string): string {
  const project = names.sourceNames.includes(name) ? names.source(name).project : undefined
  if (project === undefined || !sees(caller, project)) throw notFound('source')
  return project
}

/**
 * Throws `NOT_FOUND` for a target that the file does not name, or that the key does not see: a target without a project is for
 * keys without one.
 */
export function assertTarget(names: Names, caller: ApiKey, name: string): void {
  if (!names.targetNames.includes(name)) throw notFound('target')
  if (!sees(caller, names.target(name).project ?? null)) throw notFound('target')
}
