import { createHash } from 'node:crypto'
import type { TimeZones } from '#dump-lines.ts'
import { beginsAsPlainDump, DUMP_HEAD_BYTES } from '#postgres/dump-head.ts'
import {
  changeBy,
  type DumpState,
  encodingSetBy,
  STATEMENT_HEAD_BYTES,
} from '#postgres/lines/dump-changes.ts'
import { DumpRoles } from '#postgres/lines/dump-roles.ts'
import { addSums, LineSums, NO_LINES } from '#postgres/lines/line-sums.ts'
import {
  type DumpLines,
  type LinesReason,
  linesRecordOf,
  type NoDumpLines,
  type SeenTable,
} from '#postgres/lines/lines-record.ts'
import { isEndLine } from '#postgres/restore/sql/copy-data.ts'
import type { CopyStatement } from '#postgres/restore/sql/copy-statement.ts'
import { DumpScanner } from '#postgres/restore/sql/dump-scanner.ts'
import { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte } from '#postgres/restore/sql/sql-bytes.ts'

const EACH_NAME = /"(?:[^"]|"")+"|[^",.\s]+/g
const SERVER = /^ Dumped from database version (\d+)/
const NAMES_ROLES: ReadonlySet<string> = new Set(['alter', 'create', 'grant', 'revoke'])
/** In UTF-8 or ASCII, names of the dump are names of the restored database. */
const READABLE = /^(?:utf-?8|unicode|sql_ascii)$/i

/**
 * Hashes the rows of a plain dump of pg_dump while its bytes pass, table by table. Chunks may be cut
 * anywhere; memory holds no line, but the tables. What cannot be read ends the hashing, never the dump.
 */
export class CopyLines {
  readonly #text = new PassThrough()
  readonly #scanner: DumpScanner
  readonly #sums = new LineSums()
  readonly #tables = new Map<string, SeenTable>()
  /** Pieces among the kept bytes that stand for the beginning of a COPY. */
  readonly #begins = new Map<Buffer, SeenTable>()
  readonly #state: DumpState = { hasRows: false, hasTriggers: false }
  readonly #roles = new DumpRoles()
  #table: SeenTable | undefined
  #head: Buffer | undefined = Buffer.alloc(0)
  #isDump = true
  #reason: LinesReason | undefined
  #encoding = 'SQL_ASCII'
  #serverMajor: number | null = null

  constructor() {
    this.#scanner = new DumpScanner({
      text: this.#text,
      reader: {
        begin: word => this.#begin(word),
        end: () => {},
        copy: statement => this.#copy(statement),
        comment: words => {
          const major = SERVER.exec(words)?.[1]
          if (major !== undefined) this.#serverMajor ??= Number(major)
        },
      },
    })
  }

  /** The chunk may change after the call. */
  push(chunk: Buffer): void {
    if (!this.#isDump || this.#reason !== undefined) return
    if (this.#head === undefined) this.#scan(chunk)
    else {
      this.#head = Buffer.concat([this.#head, chunk])
      if (this.#head.length >= DUMP_HEAD_BYTES) this.#readHead()
    }
  }

  /** Undefined for what is no plain dump of pg_dump. */
  finish(timeZones: TimeZones): DumpLines | NoDumpLines | undefined {
    if (this.#head !== undefined) this.#readHead()
    if (!this.#isDump) return undefined
    this.#guarded(() => {
      this.#scanner.finish()
      this.#take()
    })
    if (this.#reason === undefined && !READABLE.test(this.#encoding)) this.#reason = 'encoding'
    const roles = this.#roles.names
    if (this.#reason !== undefined) return { version: 1, reason: this.#reason, roles }
    return linesRecordOf([...this.#tables.values()], {
      encoding: this.#encoding.toUpperCase(),
      server_major: this.#serverMajor,
      ...timeZones,
      roles,
    })
  }

  #readHead(): void {
    const head = this.#head as Buffer
    this.#head = undefined
    this.#isDump = beginsAsPlainDump(head)
    if (this.#isDump) this.#scan(head)
  }

  #scan(chunk: Buffer): void {
    this.#guarded(() => {
      this.#scanner.push(chunk)
      this.#take()
      this.#text.ownRest()
    })
  }

  #guarded(work: () => void): void {
    try {
      if (this.#reason === undefined) work()
    } catch {
      this.#reason ??= 'unreadable'
    }
  }

  #begin(word: string): boolean {
    const { bytes, at, waiting, isLast } = this.#text
    if (waiting < STATEMENT_HEAD_BYTES && !isLast) return false
    const head = bytes.toString('latin1', at, at + STATEMENT_HEAD_BYTES)
    this.#encoding = encodingSetBy(head) ?? this.#encoding
    this.#reason ??= changeBy(word, head, this.#state)
    if (NAMES_ROLES.has(word)) this.#roles.read(head)
    return true
  }

  #copy({ table, columns }: CopyStatement): boolean {
    this.#state.hasRows = true
    const seen = this.#tableOf(table, digestOf(columns))
    if (this.#state.hasTriggers) seen.leftOut ??= 'triggers'
    const begin = Buffer.alloc(0)
    this.#begins.set(begin, seen)
    this.#text.put(begin)
    return true
  }

  #tableOf(text: string, columns: string): SeenTable {
    const names = namesIn(text)
    const [name = '', schema = null] = names.toReversed()
    const key = JSON.stringify(names)
    const known = this.#tables.get(key)
    if (known !== undefined && known.columns !== columns) known.leftOut ??= 'columns'
    const table = known ?? { schema, name, columns, sum: NO_LINES, leftOut: undefined }
    this.#tables.set(key, table)
    return table
  }

  /** Takes the data out of the kept bytes. */
  #take(): void {
    for (const piece of this.#text.passed()) {
      const begun = this.#begins.get(piece)
      if (begun !== undefined) {
        this.#begins.delete(piece)
        this.#table = begun
      } else if (isEndLine(piece)) this.#endTable()
      else if (this.#table !== undefined) {
        if (piece.includes(Byte.RETURN)) this.#table.leftOut ??= 'line ends'
        this.#sums.update(piece)
      }
    }
  }

  #endTable(): void {
    const sum = this.#sums.take()
    if (this.#table !== undefined) this.#table.sum = addSums(this.#table.sum, sum)
    this.#table = undefined
  }
}

/** Eight digits that differ, most likely, where the names of columns or their order do. */
export function columnsDigest(names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 8)
}

function digestOf(columns: string | undefined): string {
  return columnsDigest(namesIn(columns ?? ''))
}

/** Names of a dump between dots or commas; PostgreSQL reads those without quotes in lower case. */
function namesIn(text: string): string[] {
  const each = text.match(EACH_NAME) ?? []
  return each.map(name =>
    name.startsWith('"')
      ? Buffer.from(name.slice(1, -1).replaceAll('""', '"'), 'latin1').toString()
      : name.toLowerCase(),
  )
}
