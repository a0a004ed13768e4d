import type { GlobalsServer } from '#postgres/cluster/globals.ts'
import type { DumpedMembership } from '#postgres/cluster/memberships.ts'
import type { DumpedGlobals, DumpedRole, DumpedTablespace } from '#postgres/cluster/read-globals.ts'
import { quoteName, quoteText } from '#postgres/sql-text.ts'

/** The first version with `GRANT … WITH INHERIT FALSE` and `WITH SET FALSE`. */
const MEMBER_OPTIONS_SINCE = 160_000

/**
 * The statements that add what the server lacks. Each is written from its names and values, in quotes: no
 * text of the dump is SQL here.
 */
export function sqlOfGlobals(
  globals: DumpedGlobals,
  server: GlobalsServer & { versionNumber: number },
): string[] {
  const roles = globals.roles.filter(({ name }) => !server.roles.has(name))
  const isNew = new Set(roles.map(({ name }) => name))
  return [
    ...roles.map(sqlOfRole),
    ...globals.settings
      .filter(({ role }) => isNew.has(role))
      .map(
        ({ role, name, values }) =>
          `alter role ${quoteName(role)} set ${quoteName(name)} to ${values.map(quoteText).join(', ')};`,
      ),
    ...roles.flatMap(({ name, comment }) => commentOn('role', name, comment)),
    ...globals.memberships
      .filter(({ member }) => isNew.has(member))
      .map(membership => sqlOfMembership(membership, server)),
  ]
}

function sqlOfRole({ name, attributes, connectionLimit, password, validUntil }: DumpedRole): string {
  const options = [
    ...attributes,
    ...(connectionLimit === undefined ? [] : [`connection limit ${connectionLimit}`]),
    ...(password === undefined ? [] : [`password ${quoteText(password)}`]),
    ...(validUntil === undefined ? [] : [`valid until ${quoteText(validUntil)}`]),
  ]
  return `create role ${[quoteName(name), ...options].join(' ')};`
}

function sqlOfMembership(
  { role, member, options }: DumpedMembership,
  { versionNumber }: { versionNumber: number },
): string {
  const grant = `grant ${quoteName(role)} to ${quoteName(member)}`
  if (versionNumber < MEMBER_OPTIONS_SINCE) {
    return options.get('admin') ? `${grant} with admin option;` : `${grant};`
  }
  const chosen = [...options].map(([option, value]) => `${option} ${value}`)
  return chosen.length === 0 ? `${grant};` : `${grant} with ${chosen.join(', ')};`
}

/** Outside of a transaction, as PostgreSQL asks for it. */
export function createTablespace({ name, location }: DumpedTablespace): string {
  return `create tablespace ${quoteName(name)} location ${quoteText(location)};`
}

export function dropTablespace({ name }: Pick<DumpedTablespace, 'name'>): string {
  return `drop tablespace ${quoteName(name)};`
}

/** What a new tablespace gets when its owner is there. */
export function finishTablespace({ name, owner, options, comment }: DumpedTablespace): string[] {
  const set = options.map(option => `${quoteName(option.name)} = ${quoteText(option.value)}`)
  return [
    `alter tablespace ${quoteName(name)} owner to ${quoteName(owner)};`,
    ...(set.length === 0 ? [] : [`alter tablespace ${quoteName(name)} set (${set.join(', ')});`]),
    ...commentOn('tablespace', name, comment),
  ]
}

function commentOn(what: 'role' | 'tablespace', name: string, comment: string | undefined): string[] {
  return comment === undefined ? [] : [`comment on ${what} ${quoteName(name)} is ${quoteText(comment)};`]
}
