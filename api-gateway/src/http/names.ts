import type { ApiKey } from '@telegram-backup/database'
import { sees } from '@telegram-backup/engine/jobs/key-rights.ts'
import { notFound } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'

type Names = HttpPorts['configFile']

/**
 * The project of a source that the file names and the key sees. Throws `NOT_FOUND`, in the same words for both, before anything else of
 * the source is looked at: what is wrong with it is for those who see it. `CONFIGURATION` for a source whose settings cannot be used.
 */
export function projectOfSource(names: Names, caller: ApiKey, name: string): string {
  assertSeen(names, caller, { kind: 'source', name })
  const { project } = names.source(name)
  if (project === undefined) throw notFound('source')
  return project
}

/**
 * Throws `NOT_FOUND` for a target that the file does not name, or that the key does not see: a target without a project is for
 * keys without one. `CONFIGURATION` for one whose settings cannot be used.
 */
export function assertTarget(names: Names, caller: ApiKey, name: string): void {
  assertSeen(names, caller, { kind: 'target', name })
  names.target(name)
}

/** A key that is bound to no project sees also those of which the project cannot be told. */
function assertSeen(
  names: Names,
  caller: ApiKey,
  { kind, name }: { kind: 'source' | 'target'; name: string },
): void {
  const isNamed = names[`${kind}Names`].includes(name)
  if (!isNamed || !sees(caller, names.projectOf(kind, name) ?? null)) throw notFound(kind)
}
