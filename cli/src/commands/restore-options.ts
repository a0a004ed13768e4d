import type { OutsideAllowance, RestoreWishes } from '@telegram-backup/engine/restore/ask-for-plan.ts'
import type { RestoreWish } from '@telegram-backup/engine/restore/restore-target.ts'
import { type BackupIdOptions, usageError } from '#commands/command.ts'
import { type OwnerOptions, readOwnerWishes } from '#commands/restore-owner-options.ts'
import { readDatabasePart, type SelectionOptions } from '#commands/restore-selection-options.ts'

export interface RestoreOptions extends BackupIdOptions, SelectionOptions, OwnerOptions {
  to: string
  path?: string[]
  dryRun?: boolean
  yes?: boolean
  overwrite?: boolean
  keepOld?: boolean
  createRoles?: boolean
  trustGlobals?: boolean
  allow?: string[]
  links?: string
  json?: boolean
}

/** The wish behind each option that only some targets support. */
const WISHES: ReadonlyArray<[keyof RestoreOptions, string, RestoreWish]> = [
  ['allow', '--allow', 'allow'],
  ['links', '--links', 'allow'],
  ['keepOld', '--keep-old', 'keepOld'],
  ['createRoles', '--create-roles', 'createRoles'],
  ['trustGlobals', '--trust-globals', 'trustGlobals'],
  ['table', '--table', 'databasePart'],
  ['schema', '--schema', 'databasePart'],
  ['schemaOnly', '--schema-only', 'databasePart'],
  ['dataOnly', '--data-only', 'databasePart'],
]
const PLURALS = { database: 'databases', directory: 'directories', roles: 'the globals of a cluster' }

/** Throws `USAGE` for an option that the target does not support. */
export function wishesFor(
  options: RestoreOptions,
  isForeign: (wish: RestoreWish) => keyof typeof PLURALS | undefined,
): RestoreWishes {
  for (const [name, option, wish] of WISHES) {
    const makes = options[name] === undefined ? undefined : isForeign(wish)
    if (makes === undefined) continue
    throw usageError(`${option} is only for ${PLURALS[makes]}`, 'Leave it out.')
  }
  const owners = readOwnerWishes(options)
  const makes = owners === undefined ? undefined : isForeign('owners')
  if (makes !== undefined)
    throw usageError(
      `--no-owner, --role, --map-role and --no-acl are only for ${PLURALS[makes]}`,
      'Leave them out.',
    )
  return {
    owners,
    overwrite: options.overwrite === true,
    keepOld: options.keepOld === true,
    createRoles: options.createRoles === true,
    trustGlobals: options.trustGlobals === true,
    databasePart: readDatabasePart(options),
    allow: [...readAllowances(options.allow ?? []), ...readLinks(options.links)],
  }
}

function readLinks(how: string | undefined): OutsideAllowance[] {
  if (how === undefined) return []
  if (how === 'keep') return ['outside-links']
  if (how === 'skip') return ['no-outside-links']
  throw usageError(`--links does not know "${how}"`, 'Use skip or keep.')
}

const ALLOWANCES: readonly OutsideAllowance[] = ['outside-links', 'devices']

function readAllowances(given: readonly string[]): OutsideAllowance[] {
  return given
    .flatMap(text => text.split(','))
    .map(name => {
      const known = ALLOWANCES.find(allowance => allowance === name)
      if (known !== undefined) return known
      throw usageError(`--allow does not know "${name}"`, `Use ${ALLOWANCES.join(' or ')}.`)
    })
}
