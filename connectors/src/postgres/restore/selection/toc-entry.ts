/** An entry of a dump's table of contents, as pg_dump names it in the comment above its statements. */
export interface TocEntry {
  /** `Data for` stands before the name of the rows of a table. */
  isData: boolean
  /** Such as `customer`, `customer customer_pkey` or `COLUMN customer.id`; a line break in it is a blank. */
  name: string
  /** Such as `TABLE` or `FK CONSTRAINT`. */
  type: string
  /** `-` for what is in no schema. */
  schema: string
  owner: string
}

const ENTRY =
  /^ (Data for )?Name: (.*); Type: ([A-Z][A-Z ]*); Schema: (.*); Owner: (.*?)(?:; Tablespace: .*)?$/s
const TYPE = /; Type: /g

/**
 * Reads a comment of a dump, without its `--`. Undefined for any other comment. Names are not quoted there: a
 * name that holds `; Type: ` can be read in more than one way, and is `unclear`.
 */
export function readTocEntry(comment: string): TocEntry | 'unclear' | undefined {
  const [, data, name, type, schema, owner] = ENTRY.exec(comment) ?? []
  if (name === undefined || type === undefined || schema === undefined || owner === undefined)
    return undefined
  if ((comment.match(TYPE) ?? []).length > 1 || /; (Schema|Owner): /.test(`${name}${schema}${owner}`))
    return 'unclear'
  return { isData: data !== undefined, name, type, schema, owner }
}

/** Types of entries that hold rows or values, as `pg_dump --schema-only` leaves them out. */
const ROW_TYPES: ReadonlySet<string> = new Set([
  'TABLE DATA',
  'SEQUENCE SET',
  'MATERIALIZED VIEW DATA',
  'BLOB',
  'BLOBS',
  'BLOB METADATA',
  'BLOB COMMENTS',
  'LARGE OBJECT',
  'LARGE OBJECTS',
  'STATISTICS DATA',
])

export function holdsRows({ type, name }: TocEntry): boolean {
  return ROW_TYPES.has(type) || name.startsWith('LARGE OBJECT ')
}

/** Types of entries that stand before all rows of a dump: what they define, rows and indexes need. */
const TYPES_BEFORE_ROWS: ReadonlySet<string> = new Set([
  ...['TABLE', 'FOREIGN TABLE', 'TABLE ATTACH', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'SEQUENCE OWNED BY'],
  ...[
    'DEFAULT',
    'CHECK CONSTRAINT',
    'COMMENT',
    'SECURITY LABEL',
    'SCHEMA',
    'EXTENSION',
    'TYPE',
    'SHELL TYPE',
  ],
  ...[
    'DOMAIN',
    'FUNCTION',
    'PROCEDURE',
    'AGGREGATE',
    'OPERATOR',
    'OPERATOR CLASS',
    'OPERATOR FAMILY',
    'CAST',
  ],
  ...['COLLATION', 'CONVERSION', 'PROCEDURAL LANGUAGE', 'TRANSFORM', 'ACCESS METHOD', 'FOREIGN DATA WRAPPER'],
  ...['SERVER', 'USER MAPPING', 'TEXT SEARCH PARSER', 'TEXT SEARCH DICTIONARY', 'TEXT SEARCH TEMPLATE'],
  ...['TEXT SEARCH CONFIGURATION', 'ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE', 'DATABASE PROPERTIES'],
])

export function standsBeforeRows({ type }: TocEntry): boolean {
  return TYPES_BEFORE_ROWS.has(type)
}
