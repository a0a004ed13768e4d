import {
  type Backup,
  type Database,
  listRetentionPolicies,
  listSchedules,
  listSourcePolicies,
} from '@telegram-backup/database'
import { describeKeep } from '#retention/keep-policy.ts'
import { leavesTheRest } from '#retention/retention-rules.ts'

/** The policies that decide about a backup: `daily 7, weekly 4`; undefined when its `expires_at` decides. */
export type PolicyWords = (backup: Backup) => string | undefined

export async function readPolicyWords(database: Database): Promise<PolicyWords> {
  const ofKinds = (await listRetentionPolicies(database)).map(policy => ({ ...policy, source: undefined }))
  const policies = [
    ...ofKinds,
    ...(await listSourcePolicies(database)),
    ...(await listSchedules(database)),
  ].filter(({ keep }) => keep !== null)
  return ({ state, expiry_given, project_id, type, source_name }) => {
    if (state !== 'complete' || expiry_given) return undefined
    const keeps = policies
      .filter(policy => policy.project_id === project_id && policy.type === type)
      .filter(({ source }) => source === undefined || source === source_name)
      .flatMap(({ keep }) => (keep === null ? [] : [keep]))
    // A policy with only a minimum leaves the rest to `expires_at`; a policy without rules keeps all.
    const deciding = keeps.filter(keep => !leavesTheRest(keep))
    return deciding.length === 0 ? undefined : [...new Set(deciding.map(describeKeep))].join('; ')
  }
}
