import {
  NAME,
  type RelationName,
  readRelationConstant,
  readRelationName,
  unquoted,
} from '#postgres/restore/selection/dump-names.ts'

/** What a statement of a dump does with the table, view, sequence, index or statistics that it is about. */
export type Deed =
  | 'create table'
  | 'create view'
  | 'create sequence'
  | 'create index'
  | 'create statistics'
  | 'attach partition'
  | 'own sequence'
  | 'add identity'
  | 'add key'
  | 'add foreign key'
  | 'use index'
  | 'comment on constraint'
  | 'set default'
  | 'set value'
  | 'insert'
  | 'refresh'
  | 'publish'
  | 'other'

/** A place in the text of a statement. */
export type Span = readonly [from: number, to: number]

/** A statement about a relation, in a form that pg_dump writes. */
export interface RelationStatement {
  does: Deed
  about: RelationName
  aboutAt: Span
  /** The other relation of that form: partition, owned sequence, referenced table. */
  other: RelationName | undefined
  otherAt: Span | undefined
  /** An index or constraint in the schema of the relation. */
  object: string | undefined
  objectAt: Span | undefined
  /** Whether `aboutAt` or `otherAt` is a string constant. */
  isConstant: boolean
}

const ABOUT = `(?<about>${NAME}\\.${NAME})`
const OTHER = `(?<other>${NAME}\\.${NAME})`
const OBJECT = `(?<object>${NAME})`
const NAMES = `(?:PERIOD )?${NAME}(?:, (?:PERIOD )?${NAME})*`
const CONSTANT = `E?'(?:[^']|'')+'`
const ALTER_TABLE = `ALTER (?:FOREIGN )?TABLE (?:ONLY )?${ABOUT}`
const EVENT = `(?:INSERT|DELETE|TRUNCATE|UPDATE(?: OF ${NAMES})?)`
const RIGHTS = `[A-Z ]+(?:\\(${NAMES}\\))?(?:, ?[A-Z ]+(?:\\(${NAMES}\\))?)*`
const RELATION = '(?:TABLE|FOREIGN TABLE|VIEW|MATERIALIZED VIEW|SEQUENCE|INDEX|STATISTICS|COLUMN)'

/** The first one that fits counts. */
const FORMS: ReadonlyArray<[Deed, RegExp]> = (
  [
    ['create table', `CREATE (?:UNLOGGED |FOREIGN )?TABLE ${ABOUT}[ (]`],
    ['create view', `CREATE (?:OR REPLACE )?(?:MATERIALIZED )?VIEW ${ABOUT}[ \n]`],
    ['create sequence', `CREATE (?:UNLOGGED )?SEQUENCE ${ABOUT}\n`],
    ['create index', `CREATE (?:UNIQUE )?INDEX ${OBJECT} ON (?:ONLY )?${ABOUT} `],
    ['create statistics', `CREATE STATISTICS ${ABOUT}[ \n].* FROM ${OTHER};$`],
    ['attach partition', `ALTER (?:TABLE(?: ONLY)?|INDEX) ${ABOUT} ATTACH PARTITION ${OTHER}[ ;]`],
    ['own sequence', `ALTER SEQUENCE ${ABOUT} OWNED BY ${OTHER}\\.${NAME};`],
    [
      'add identity',
      `${ALTER_TABLE} ALTER COLUMN ${NAME} ADD GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY \\(\\s+SEQUENCE NAME ${OTHER}\n`,
    ],
    ['add key', `${ALTER_TABLE}\\s+ADD CONSTRAINT ${OBJECT} (?:PRIMARY KEY|UNIQUE|EXCLUDE) `],
    [
      'add foreign key',
      `${ALTER_TABLE}\\s+ADD CONSTRAINT ${OBJECT} FOREIGN KEY \\(${NAMES}\\) REFERENCES ${OTHER}\\(`,
    ],
    ['use index', `${ALTER_TABLE} (?:CLUSTER ON|REPLICA IDENTITY USING INDEX) ${OBJECT};`],
    [
      'set default',
      `${ALTER_TABLE} ALTER COLUMN ${NAME} SET DEFAULT nextval\\((?<other>${CONSTANT})::regclass\\);$`,
    ],
    [
      'other',
      `ALTER (?:FOREIGN TABLE|TABLE|VIEW|MATERIALIZED VIEW|SEQUENCE|INDEX|STATISTICS) (?:ONLY )?${ABOUT}\\s`,
    ],
    ['comment on constraint', `COMMENT ON CONSTRAINT ${OBJECT} ON ${ABOUT} IS `],
    ['other', `COMMENT ON (?:TRIGGER|RULE|POLICY) ${NAME} ON ${ABOUT} IS `],
    ['other', `COMMENT ON ${RELATION} ${ABOUT}(?:\\.${NAME})? IS `],
    ['other', `SECURITY LABEL FOR ${NAME} ON ${RELATION} ${ABOUT}(?:\\.${NAME})? IS `],
    [
      'other',
      `CREATE (?:CONSTRAINT )?TRIGGER ${NAME} (?:BEFORE|AFTER|INSTEAD OF) ${EVENT}(?: OR ${EVENT})* ON ${ABOUT} `,
    ],
    ['other', `CREATE (?:OR REPLACE )?RULE ${NAME} AS\\s+ON (?:SELECT|INSERT|UPDATE|DELETE) TO ${ABOUT}\\s`],
    ['other', `CREATE POLICY ${NAME} ON ${ABOUT}[ ;]`],
    ['other', `(?:GRANT|REVOKE) (?:GRANT OPTION FOR )?${RIGHTS} ON (?:TABLE|SEQUENCE) ${ABOUT} `],
    ['refresh', `REFRESH MATERIALIZED VIEW ${ABOUT};`],
    ['set value', `SELECT pg_catalog\\.setval\\((?<about>${CONSTANT}), -?\\d+, (?:true|false)\\);$`],
    ['insert', `INSERT INTO ${ABOUT} `],
    ['publish', `ALTER PUBLICATION ${NAME} ADD TABLE (?:ONLY )?${ABOUT}[ ;(]`],
  ] as const
).map(([does, form]) => [does, new RegExp(`^${form}`, 'ds')])

/** Undefined for a statement that is not about a relation, or that pg_dump would write differently. */
export function readRelationStatement(text: string): RelationStatement | undefined {
  for (const [does, form] of FORMS) {
    const match = form.exec(text)
    if (match === null) continue
    const { groups = {}, indices } = match
    const about = relationIn(groups['about'] ?? '')
    const aboutAt = indices?.groups?.['about']
    if (about === undefined || aboutAt === undefined) return undefined
    const { other, object } = groups
    return {
      ...{ does, about, aboutAt },
      other: other === undefined ? undefined : relationIn(other),
      otherAt: indices?.groups?.['other'],
      object: object === undefined ? undefined : unquoted(object),
      objectAt: indices?.groups?.['object'],
      isConstant: /^E?'/.test(groups['about'] ?? '') || /^E?'/.test(other ?? ''),
    }
  }
  return undefined
}

function relationIn(text: string): RelationName | undefined {
  return /^E?'/.test(text) ? readRelationConstant(text) : readRelationName(text)
}
