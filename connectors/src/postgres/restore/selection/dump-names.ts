import { createHash } from 'node:crypto'

/**
 * Names in the text of a dump. The text is read as bytes in Latin-1, whatever its encoding: pg_dump writes a
 * name as it is when it consists of small ASCII letters, and else in quotes; keywords are in capitals.
 */
export const NAME: string = `(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")`

/** A table, sequence, index or view, which share their names in a schema; each as bytes in Latin-1. */
export interface RelationName {
  schema: string
  name: string
}

const QUALIFIED = new RegExp(`^(${NAME})\\.(${NAME})$`)
const MAX_NAME_BYTES = 63

export function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

/** As SQL, on any number of lines: it goes into a statement, not to psql. */
export function sqlOf({ schema, name }: RelationName): string {
  return `${quoted(schema)}.${quoted(name)}`
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A key for maps. */
export function keyOf({ schema, name }: RelationName): string {
  return `${schema}\0${name}`
}

/** A text of a dump that is a name with its schema; undefined for another one. */
export function readRelationName(text: string): RelationName | undefined {
  const [, schema, name] = QUALIFIED.exec(text) ?? []
  return schema === undefined || name === undefined
    ? undefined
    : { schema: unquoted(schema), name: unquoted(name) }
}

/** The same out of a string constant of SQL, quotes included. */
export function readRelationConstant(constant: string): RelationName | undefined {
  const hasEscapes = /^E/i.test(constant)
  const text = constant.slice(constant.indexOf("'") + 1, -1).replaceAll("''", "'")
  return readRelationName(hasEscapes ? text.replaceAll('\\\\', '\\') : text)
}

/** A text of ours as it stands in a dump in UTF-8, and the other way round for people. */
export function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

export function asText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}

/** For people: `sales.customer`. */
export function shown({ schema, name }: RelationName): string {
  return `${asText(schema)}.${asText(name)}`
}

/**
 * The name of what belongs to a table that comes back as `to`: customer_pkey becomes customer_restored_pkey.
 * A name that is too long for PostgreSQL is cut, and ends in a digest of the whole.
 */
export function renamedWith(name: string, { from, to }: { from: string; to: string }): string {
  if (from === to) return name
  const renamed = name.startsWith(from) ? to + name.slice(from.length) : `${name}_${to}`
  if (renamed.length <= MAX_NAME_BYTES) return renamed
  const digest = createHash('sha256').update(renamed, 'latin1').digest('hex').slice(0, 8)
  let end = MAX_NAME_BYTES - digest.length - 1
  // Not in the middle of a character.
  while (end > 0 && (renamed.charCodeAt(end) & 0xc0) === 0x80) end--
  return `${renamed.slice(0, end)}_${digest}`
}
