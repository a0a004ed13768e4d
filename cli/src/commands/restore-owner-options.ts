import type { OwnerWishes } from '@telegram-backup/engine/restore/ask-for-plan.ts'
import { usageError } from '#commands/command.ts'

/** The options of `restore` that choose owners and privileges. */
export const OWNER_OPTIONS: Readonly<Record<string, string>> = {
  '--no-owner': 'restore no owners: all belongs to the role that restores (databases only)',
  '--role <role>': 'restore as this role, which the user of the URL must be a member of (databases only)',
  '--map-role <old=new...>': 'give what belongs or was granted to the role OLD to the role NEW (repeatable)',
  '--no-acl': 'restore no privileges (GRANT and REVOKE; databases only)',
}

export interface OwnerOptions {
  /** False for `--no-owner`. */
  owner?: boolean
  role?: string
  mapRole?: string[]
  /** False for `--no-acl`. */
  acl?: boolean
}

/** What the options choose; undefined when owners and privileges come back as they were. Throws `USAGE`. */
export function readOwnerWishes({ owner, role, mapRole = [], acl }: OwnerOptions): OwnerWishes | undefined {
  const noOwner = owner === false
  const noAcl = acl === false
  if (role === '') throw usageError('--role names no role', 'Write --role NAME.')
  if (!noOwner && !noAcl && role === undefined && mapRole.length === 0) return undefined
  const mapRoles = mapRole.map(readPair)
  const twice = mapRoles.find(({ from }, at) => mapRoles.findIndex(one => one.from === from) !== at)
  if (twice !== undefined)
    throw usageError(`--map-role names ${JSON.stringify(twice.from)} twice`, 'Give each old role once.')
  return { noOwner, noAcl, role, mapRoles }
}

function readPair(text: string): { from: string; to: string } {
  const at = text.indexOf('=')
  const [from, to] = [text.slice(0, at), text.slice(at + 1)]
  if (at > 0 && to !== '') return { from, to }
  throw usageError(
    `--map-role does not understand ${JSON.stringify(text.slice(0, 140))}`,
    'Write --map-role OLD=NEW, for example --map-role shop=shop_test; names stand there without quotes.',
  )
}
