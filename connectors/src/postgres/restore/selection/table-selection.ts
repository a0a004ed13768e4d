import { BackupError } from '@telegram-backup/errors'
import {
  asText,
  keyOf,
  type RelationName,
  readRelationName,
  shown,
} from '#postgres/restore/selection/dump-names.ts'
import type {
  BroughtBack,
  Choice,
  CopyStart,
  DumpSelection,
  StatementStart,
} from '#postgres/restore/selection/dump-selection.ts'
import { DumpSettings, type SettingsNow } from '#postgres/restore/selection/dump-settings.ts'
import {
  type RelationStatement,
  readRelationStatement,
} from '#postgres/restore/selection/relation-statement.ts'
import { pointsNotBack } from '#postgres/restore/selection/renamed-apart.ts'
import { afterRows, beforeRows, copyInto } from '#postgres/restore/selection/rows-alone.ts'
import { newNameOf, renamed } from '#postgres/restore/selection/statement-renaming.ts'
import { closeNames, newName, type Renaming, TableFamily } from '#postgres/restore/selection/table-family.ts'
import { standsBeforeRows, type TocEntry } from '#postgres/restore/selection/toc-entry.ts'
import { typed, type WantedPart } from '#postgres/restore/selection/wanted-part.ts'

/** A definition that may be selected; only the partitions and sequences behind it tell. */
interface Held {
  text: string
  statement: RelationStatement
  settings: SettingsNow
}

/** All definitions of a database with 100,000 tables are shorter. */
const MOST_HELD_BYTES = 512 * 1024 * 1024
const MOST_REMARKS = 50
const MOST_CLOSE_NAMES = 5

/**
 * Selects tables with all that belongs to them: partitions, sequences, defaults, keys, indexes, statistics,
 * triggers, rules, policies, comments and rights. Definitions wait until the first row: which tables are
 * partitions, and which sequences belong to a table, stands behind them.
 * A statement belongs to a table by its own words; pg_dump's comment above it only says where the rows begin.
 */
export class TableSelection implements DumpSelection {
  readonly #wanted: WantedPart
  readonly #renaming: Renaming | undefined
  readonly #family = new TableFamily()
  readonly #settings = new DumpSettings()
  #held: Held[] = []
  #heldBytes = 0
  #hasEntry = false
  #isResolved = false
  readonly #names = {
    relations: new Map<string, RelationName>(),
    statistics: new Map<string, RelationName>(),
  }
  /** Names of keys and, for comments, of the foreign keys that are left out; by table and name. */
  readonly #keys = new Map<string, string>()
  readonly #leftOutKeys = new Set<string>()
  readonly #filled = new Set<string>()
  readonly #remarks: string[] = []

  constructor(wanted: WantedPart) {
    const [from] = wanted.tables
    this.#wanted = wanted
    this.#renaming = from && wanted.as && { from, to: wanted.as }
  }

  get broughtBack(): BroughtBack {
    const relations = [...this.#family.relations.values()].flatMap(was => {
      const now = this.#names.relations.get(keyOf(was))
      if (now === undefined) return []
      return [keyOf(now) === keyOf(was) ? { name: shown(now) } : { name: shown(now), was: shown(was) }]
    })
    return { relations, remarks: this.#remarks }
  }

  entry(entry: TocEntry | 'unclear'): string {
    this.#hasEntry = true
    return entry === 'unclear' || standsBeforeRows(entry) ? '' : this.#resolve()
  }

  choose({ word }: StatementStart): Choice {
    // What stands before the first entry sets up the session, or drops what is there.
    return this.#hasEntry || word === 'set' || word === 'select' ? 'take' : 'leave out'
  }

  taken(text: string): string {
    const setting = this.#settings.take(text)
    if (setting !== undefined) return setting
    const statement = this.#hasEntry ? readRelationStatement(text) : undefined
    if (statement === undefined) return ''
    if (this.#isResolved) return this.#selected({ text, statement, settings: this.#settings.now })
    this.#family.read(statement)
    this.#heldBytes += text.length
    if (this.#heldBytes > MOST_HELD_BYTES) throw tooManyDefinitions()
    this.#held.push({ text, statement, settings: this.#settings.now })
    return ''
  }

  copy({ table, columns }: CopyStart): string {
    const before = this.#resolve()
    const was = readRelationName(table)
    const now = was && this.#names.relations.get(keyOf(was))
    if (was === undefined || now === undefined || this.#wanted.only === 'definitions') return before
    this.#filled.add(keyOf(was))
    const check = this.#wanted.only === 'rows' ? beforeRows(now) : ''
    return `${before}${check}${copyInto(now, columns)}`
  }

  end(): string {
    const last = this.#resolve()
    const { only } = this.#wanted
    if (only === 'rows') this.#remarkNotFilled()
    const renamed = [...this.#names.relations].filter(([key, now]) => key !== keyOf(now))
    const check = this.#renaming === undefined ? '' : pointsNotBack(renamed)
    return `${last}${only === 'rows' ? afterRows() : ''}${check}`
  }

  /** Decides what belongs to the tables. Returns their definitions. Throws `NOT_FOUND`. */
  #resolve(): string {
    if (this.#isResolved) return ''
    this.#isResolved = true
    for (const table of this.#wanted.tables)
      if (!this.#family.relations.has(keyOf(table))) throw notInDump(table, this.#family.relations.values())
    const taken = new Set<string>()
    for (const relation of this.#family.withMembers(this.#wanted.tables)) {
      const now = newName(relation, this.#renaming)
      if (taken.has(keyOf(now))) throw sameName(now)
      taken.add(keyOf(now))
      this.#names.relations.set(keyOf(relation), now)
    }
    for (const table of this.#wanted.tables) {
      const parent = this.#family.parentOf(table)
      if (parent !== undefined && !this.#names.relations.has(keyOf(parent)))
        this.#remark(
          `${shown(table)} was a partition of ${shown(parent)}; it came back as a table of its own, without the foreign keys and triggers of that one`,
        )
    }
    const held = this.#held
    this.#held = []
    return held.map(one => this.#selected(one)).join('')
  }

  /** A statement, if it is selected, with the names that it gets. */
  #selected({ text, statement, settings }: Held): string {
    const { does, about } = statement
    const table = newNameOf(this.#names, { text, about })
    if (does === 'create statistics') return this.#statistics({ text, statement, settings })
    if (table === undefined) return this.#remarkForeign(statement)
    if (does === 'publish') {
      this.#remarkLost(`${shown(about)} was in a publication`)
      return ''
    }
    if (!this.#isWanted(statement)) return ''
    const check = this.#beforeFirstRow(statement, table)
    return `${this.#settings.before(settings)}${check}${renamed(text, statement, this.#names, this.#newObject(statement, table))}\n`
  }

  #isWanted({ does, about, object }: RelationStatement): boolean {
    const { only, skipForeignKeys } = this.#wanted
    const isRow = does === 'insert' || does === 'set value' || does === 'refresh'
    if (only !== undefined && isRow !== (only === 'rows')) return false
    if (does === 'comment on constraint' && this.#leftOutKeys.has(`${keyOf(about)}\0${object}`)) return false
    if (does !== 'add foreign key' || !skipForeignKeys) return true
    this.#leftOutKeys.add(`${keyOf(about)}\0${object}`)
    this.#remark(`the foreign key ${asText(object ?? '')} of ${shown(about)} was left out`)
    return false
  }

  /** A dump may hold its rows as INSERT: the table must be empty for these too. */
  #beforeFirstRow({ does, about }: RelationStatement, table: RelationName): string {
    if (does !== 'insert' && does !== 'set value' && does !== 'refresh') return ''
    const isFirst = !this.#filled.has(keyOf(about))
    this.#filled.add(keyOf(about))
    return does === 'insert' && isFirst && this.#wanted.only === 'rows' ? beforeRows(table) : ''
  }

  /** The new name of the index or key that a statement makes or is about. */
  #newObject({ does, about, object }: RelationStatement, table: RelationName): string | undefined {
    if (object === undefined) return undefined
    const index = { schema: about.schema, name: object }
    if (does === 'create index' || does === 'add key') {
      const now = newName(index, { from: about, to: table })
      this.#names.relations.set(keyOf(index), now)
      if (does === 'add key') this.#keys.set(`${keyOf(about)}\0${object}`, now.name)
      return now.name
    }
    if (does === 'use index') return this.#names.relations.get(keyOf(index))?.name
    return does === 'comment on constraint' ? this.#keys.get(`${keyOf(about)}\0${object}`) : undefined
  }

  #statistics({ text, statement, settings }: Held): string {
    const { about, other } = statement
    const table = other && this.#names.relations.get(keyOf(other))
    if (other === undefined || table === undefined || this.#wanted.only === 'rows') return ''
    this.#names.statistics.set(keyOf(about), newName(about, { from: other, to: table }))
    return `${this.#settings.before(settings)}${renamed(text, statement, this.#names, undefined)}\n`
  }

  /** Says which tables the rows alone leave as they were: a view, a foreign table. */
  #remarkNotFilled(): void {
    for (const table of this.#wanted.tables) {
      const members = this.#family.withMembers([table])
      if (members.some(member => this.#filled.has(keyOf(member)))) continue
      this.#remark(`the backup has no rows of ${shown(table)}; nothing was restored into it`)
    }
  }

  /** Says what belongs to another table, and pointed to one that comes back. */
  #remarkForeign({ does, about, other, object = '' }: RelationStatement): '' {
    if (does === 'add foreign key' && other !== undefined && this.#names.relations.has(keyOf(other)))
      this.#remarkLost(`${shown(about)} had the foreign key ${asText(object)} to ${shown(other)}`)
    return ''
  }

  /** What belongs to something else, and went when the table was dropped. */
  #remarkLost(text: string): void {
    if (this.#renaming === undefined && this.#wanted.only !== 'rows')
      this.#remark(`${text}, which was not restored; if it is missing, add it again`)
  }

  #remark(text: string): void {
    if (this.#remarks.length < MOST_REMARKS) this.#remarks.push(text)
  }
}

function notInDump(table: RelationName, known: Iterable<RelationName>): BackupError {
  const close = closeNames(table, known, MOST_CLOSE_NAMES).map(typed)
  return new BackupError(`The backup has no table ${shown(table)}`, {
    code: 'NOT_FOUND',
    hint:
      close.length === 0
        ? 'Names are read as in SQL: one with capitals stands in double quotes. The backup may be of other tables only.'
        : `It has ${close.join(', ')}.`,
  })
}

function sameName(name: RelationName): BackupError {
  return new BackupError(`Two tables or sequences of the backup would both be called ${shown(name)}`, {
    code: 'USAGE',
    hint: 'Choose another name.',
  })
}

function tooManyDefinitions(): BackupError {
  return new BackupError('The definitions of the dump are too long for restoring a part of it', {
    code: 'UNRESTORABLE',
    hint: `They may have ${MOST_HELD_BYTES} bytes. Restore the whole backup into a new database.`,
  })
}
