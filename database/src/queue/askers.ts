import type { Database } from '#database.ts'
import { isGood } from '#keys/api-keys.ts'
import type { ApiScope } from '#keys/types.key.ts'
import { SCOPES_OF_ROLE } from '#people/types.person.ts'

/** Who asked for a job, and what they may do now. */
export interface Asker {
  kind: 'key' | 'person'
  scopes: readonly ApiScope[]
  /** Null: all projects. */
  project_id: string | null
}

/**
 * Who asked for a job over HTTP; `gone` for a key that is no longer valid, `removed` for a person who was
 * removed, null for a job that nobody asked for over HTTP.
 */
export async function askerOfJob(
  { kysely }: Database,
  jobId: string,
): Promise<Asker | 'gone' | 'removed' | null> {
  const job = await kysely.selectFrom('jobs').select('api_key_id').where('id', '=', jobId).executeTakeFirst()
  if (job === undefined || job.api_key_id === null) return null
  const key = await kysely
    .selectFrom('api_keys')
    .select(['scopes', 'project_id'])
    .where('id', '=', job.api_key_id)
    .where(isGood)
    .executeTakeFirst()
  if (key !== undefined) return { kind: 'key', ...key }
  const person = await kysely
    .selectFrom('people')
    .select(['role', 'project_id', 'removed_at'])
    .where('id', '=', job.api_key_id)
    .executeTakeFirst()
  if (person === undefined) return 'gone'
  const { role, project_id, removed_at } = person
  return removed_at === null ? { kind: 'person', scopes: SCOPES_OF_ROLE[role], project_id } : 'removed'
}
