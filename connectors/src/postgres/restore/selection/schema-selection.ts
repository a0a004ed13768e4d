import { BackupError, hint, run } from '@telegram-backup/errors'
import {
  asBytes,
  asText,
  NAME,
  type RelationName,
  readRelationConstant,
  readRelationName,
  shown,
  unquoted,
} from '#postgres/restore/selection/dump-names.ts'
import type {
  BroughtBack,
  Choice,
  CopyStart,
  DumpSelection,
  StatementStart,
} from '#postgres/restore/selection/dump-selection.ts'
import { DumpSettings } from '#postgres/restore/selection/dump-settings.ts'
import { grantsSeveral, readRelationStatement } from '#postgres/restore/selection/relation-statement.ts'
import { afterRows, beforeRows, copyInto } from '#postgres/restore/selection/rows-alone.ts'
import { schemaNamedFirst } from '#postgres/restore/selection/schema-named-first.ts'
import { holdsRows, type TocEntry } from '#postgres/restore/selection/toc-entry.ts'
import type { WantedPart } from '#postgres/restore/selection/wanted-part.ts'

const MOST_REMARKS = 50
/** They belong to a publication or to the server, and not to a schema. */
const TYPES_LEFT_OUT = /^(?:PUBLICATION|SUBSCRIPTION|STATISTICS DATA)/
/** They join two relations, of which the second one may be in a schema that is selected. */
const JOINS: ReadonlySet<string> = new Set(['TABLE ATTACH', 'INDEX ATTACH'])
const ABOUT_SCHEMA = new RegExp(
  `^(?:(?:CREATE|ALTER|COMMENT ON) SCHEMA|(?:GRANT|REVOKE) [A-Z, ]+ ON SCHEMA|ALTER DEFAULT PRIVILEGES FOR ROLE ${NAME} IN SCHEMA|SECURITY LABEL FOR ${NAME} ON SCHEMA) (${NAME})[ ;]`,
)
const INSERT = new RegExp(`^INSERT INTO (${NAME}\\.${NAME}) `)
const SETVAL = /^SELECT pg_catalog\.setval\((E?'(?:[^']|'')+'), -?\d+, (?:true|false)\);$/

/**
 * Selects whole schemas, by pg_dump's comment above each statement. The statement itself has to name the same
 * schema first: a comment that was read wrongly ends the restore. Without schemas, all of the dump is
 * selected, either its definitions or its rows.
 */
export class SchemaSelection implements DumpSelection {
  readonly #schemas: ReadonlySet<string>
  readonly #present: ReadonlySet<string>
  readonly #only: WantedPart['only']
  readonly #skipForeignKeys: boolean
  readonly #settings = new DumpSettings()
  readonly #found = new Set<string>()
  readonly #seen = new Set<string>()
  readonly #inserted = new Set<string>()
  readonly #relations: string[] = []
  readonly #remarks: string[] = []
  #entry: TocEntry | 'unclear' | undefined
  #leftOutKeys = new Set<string>()

  /** `present`: those of the schemas that the target has; they keep their owner and their rights. */
  constructor({ schemas, only, skipForeignKeys }: WantedPart, present: readonly string[]) {
    this.#schemas = new Set(schemas)
    this.#present = new Set(present)
    this.#only = only
    this.#skipForeignKeys = skipForeignKeys
  }

  get broughtBack(): BroughtBack {
    return { relations: this.#relations.map(name => ({ name })), remarks: this.#remarks }
  }

  entry(entry: TocEntry | 'unclear'): string {
    this.#entry = entry
    if (entry !== 'unclear' && entry.schema !== '-') this.#seen.add(entry.schema)
    return ''
  }

  choose({ word, text }: StatementStart): Choice {
    if (word === 'insert') return this.#isRowOf() ? this.#chooseInsert(text) : 'leave out'
    return this.#entry !== undefined || word === 'set' || word === 'select' ? 'take' : 'leave out'
  }

  taken(text: string): string {
    const setting = this.#settings.take(text)
    if (setting !== undefined) return setting
    const entry = this.#entry
    if (entry === undefined) return ''
    const row = this.#rowOf(text)
    if (row !== undefined) return row
    if (!this.#isKind(entry, text)) return ''
    if (this.#schemas.size > 0) {
      if (!this.#isOfSchemas(entry, text)) return ''
      if (grantsSeveral(text)) throw misread(entry)
    }
    const statement = readRelationStatement(text)
    if (statement?.does === 'create table') this.#relations.push(shown(statement.about))
    if (this.#skipForeignKeys && statement?.object !== undefined) {
      const key = `${shown(statement.about)}.${asText(statement.object)}`
      if (statement.does === 'add foreign key') {
        this.#leftOutKeys.add(key)
        this.#remark(`the foreign key ${asBytes(key)} was left out`)
      }
      if (this.#leftOutKeys.has(key)) return ''
    }
    return `${this.#settings.before()}${text}\n`
  }

  copy({ table, columns }: CopyStart): string {
    const relation = readRelationName(table)
    if (this.#entry === undefined || this.#only === 'definitions') return ''
    // Dumps of very old versions name no schema.
    if (relation === undefined) throw misread(this.#entry)
    if (this.#schemas.size > 0) {
      const isIn = this.#schemas.has(relation.schema)
      if (this.#entry !== 'unclear' && isIn !== this.#schemas.has(this.#entry.schema))
        throw misread(this.#entry)
      if (!isIn) return ''
      this.#found.add(relation.schema)
    }
    if (this.#only === 'rows') this.#relations.push(shown(relation))
    return `${this.#only === 'rows' ? beforeRows(relation) : ''}${copyInto(relation, columns)}`
  }

  end(): string {
    for (const schema of this.#schemas) if (!this.#found.has(schema)) throw this.#notInDump(schema)
    return this.#only === 'rows' ? afterRows() : ''
  }

  #isRowOf(): boolean {
    const entry = this.#entry
    if (this.#only === 'definitions' || entry === undefined) return false
    return this.#schemas.size === 0 || (entry !== 'unclear' && this.#schemas.has(entry.schema))
  }

  /** The entry only says where the row belongs; the statement decides where it goes. */
  #chooseInsert(text: string): Choice {
    const table = tableOfInsert(text)
    if (table === undefined || !this.#isWithin(table)) throw misread(this.#entry)
    return this.#only === 'rows' ? 'take' : 'pass'
  }

  #isWithin({ schema }: RelationName): boolean {
    return this.#schemas.size === 0 || this.#schemas.has(schema)
  }

  /** Rows alone may stand in the dump as INSERT; the table must be empty for these too. */
  #rowOf(text: string): string | undefined {
    const table = tableOfInsert(text)
    if (table === undefined || this.#only !== 'rows') return undefined
    const name = shown(table)
    const isFirst = !this.#inserted.has(name)
    this.#inserted.add(name)
    if (!isFirst) return `${text}\n`
    this.#relations.push(name)
    this.#found.add(table.schema)
    return `${beforeRows(table)}${text}\n`
  }

  #isKind(entry: TocEntry | 'unclear', text: string): boolean {
    const isValue = SETVAL.test(text)
    if (this.#only === 'rows') return isValue
    return this.#only === undefined || (!isValue && (entry === 'unclear' || !holdsRows(entry)))
  }

  #isOfSchemas(entry: TocEntry | 'unclear', text: string): boolean {
    const [, schemaInText] = ABOUT_SCHEMA.exec(text) ?? []
    if (schemaInText !== undefined) {
      const schema = unquoted(schemaInText)
      if (!this.#schemas.has(schema)) return false
      this.#found.add(schema)
      return !this.#present.has(schema)
    }
    const [, sequence] = SETVAL.exec(text) ?? []
    const named = sequence === undefined ? schemaNamedFirst(text) : readRelationConstant(sequence)?.schema
    const isNamed = named !== undefined && this.#schemas.has(named)
    // Its name holds what separates the words of the comment: the statement alone tells.
    if (entry === 'unclear') return isNamed && this.#find(named)
    if (isNamed && entry.type === 'TABLE ATTACH' && !this.#schemas.has(entry.schema))
      this.#remark(
        `${entry.schema}.${entry.name}, a partition of a table in ${named}, is in another schema and was not restored`,
      )
    if (!this.#schemas.has(entry.schema) || TYPES_LEFT_OUT.test(entry.type)) return false
    if (isNamed) return this.#find(named)
    if (!JOINS.has(entry.type)) throw misread(entry)
    if (entry.type === 'TABLE ATTACH')
      this.#remark(
        `${entry.schema}.${entry.name} was a partition of a table in another schema; it came back as a table of its own`,
      )
    return false
  }

  #find(schema: string): true {
    this.#found.add(schema)
    return true
  }

  #remark(text: string): void {
    if (this.#remarks.length < MOST_REMARKS) this.#remarks.push(asText(text))
  }

  #notInDump(schema: string): BackupError {
    const names = [...this.#seen].slice(0, 20).map(asText)
    return new BackupError(`The backup has nothing in a schema ${asText(schema)}`, {
      code: 'NOT_FOUND',
      hint: names.length === 0 ? 'It holds no schema.' : `It has ${names.join(', ')}.`,
    })
  }
}

function tableOfInsert(text: string): RelationName | undefined {
  const [, name = ''] = INSERT.exec(text) ?? []
  return readRelationName(name)
}

function misread(entry: TocEntry | 'unclear' | undefined): BackupError {
  const which = entry === undefined || entry === 'unclear' ? '' : ` ${asText(entry.name)} (${entry.type})`
  return new BackupError(`The dump has a statement that does not belong to its entry${which}`, {
    code: 'UNRESTORABLE',
    hint: hint`A part cannot be told from the rest. Restore the whole backup into a new database, or get the file with "${run('fetch')}" and look at it.`,
  })
}
