import type { PostgresConnection } from '#postgres/connection.ts'
import { addHashes, type ContentHash, NO_ROWS } from '#postgres/contents/content-hash.ts'
import {
  type ContentHashes,
  type HashAlgorithm,
  type HashedBy,
  hashesOf,
} from '#postgres/contents/hash-record.ts'
import {
  type HashableRelation,
  hashLargeObjects,
  hashTable,
  prepareHashing,
  readColumns,
  readHashable,
  readHashedBy,
} from '#postgres/contents/hash-tables.ts'
import { PlanGuard } from '#postgres/contents/safe-to-plan.ts'
import { readVisible, type SequenceValue } from '#postgres/database-contents.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import type { LeftOut, LeftOutReason } from '#postgres/left-out.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'
import type { DumpedRelations } from '#postgres/table-patterns.ts'

/** A table by itself, or a partitioned one with what its partitions have given so far. */
interface Entry {
  schema: string
  name: string
  hash: ContentHash
  columns: string
  hasGenerated: boolean
  reason: LeftOutReason | undefined
}

const HAS_LARGE_OBJECTS = `
select pg_catalog.to_json(exists (select from pg_catalog.pg_largeobject_metadata))`

/** The hashes of a source in the making, in the session whose snapshot pg_dump reads. */
export class SourceHashes {
  readonly #session: PsqlSession
  readonly #by: HashedBy
  readonly #guard: PlanGuard | undefined
  readonly #relations: ReadonlyMap<string, HashableRelation>
  readonly #isTop: (table: { schema: string; name: string; oid: number }) => boolean
  readonly #entries = new Map<string, Entry>()
  readonly #leftOut: LeftOut[]
  readonly #hasLargeObjects: boolean
  readonly #locked: HashableRelation[] = []
  readonly #startedAt = performance.now()
  #largeObjects: ContentHash | undefined
  #isOver = false

  private constructor(of: {
    session: PsqlSession
    by: HashedBy
    guard: PlanGuard | undefined
    relations: ReadonlyMap<string, HashableRelation>
    isTop: (table: { schema: string; name: string; oid: number }) => boolean
    leftOut: LeftOut[]
    hasLargeObjects: boolean
  }) {
    this.#session = of.session
    this.#by = of.by
    this.#guard = of.guard
    this.#relations = of.relations
    this.#isTop = of.isTop
    this.#leftOut = of.leftOut
    this.#hasLargeObjects = of.hasLargeObjects
  }

  /** Undefined on servers without such hashes. Throws what the session throws. */
  static async begin(
    session: PsqlSession,
    of: {
      connection: PostgresConnection
      psql: string
      signal: AbortSignal | undefined
      algorithm: HashAlgorithm
      options: PgDumpOptions
      selection: DumpedRelations
    },
  ): Promise<SourceHashes | undefined> {
    const { connection, psql, signal, algorithm, options, selection } = of
    const visible = await readVisible(session)
    const relations = await readHashable(session)
    const areDumped = options.schemas.length + options.tables.length === 0
    const hasLargeObjects = areDumped && (await session.ask(HAS_LARGE_OBJECTS)) === true
    await prepareHashing(session)
    const by = await readHashedBy(session, algorithm)
    if (by === undefined) return undefined
    const guard = await PlanGuard.begin(connection, { psql, signal }).catch(() => undefined)
    return new SourceHashes({
      ...{ session, by, guard, hasLargeObjects },
      relations: new Map(relations.map(relation => [keyOf(relation), relation])),
      isTop: table => selection.isDumped({ ...table, isVisible: visible.has(table.oid) }),
      leftOut: relations.flatMap((relation): LeftOut[] => {
        const isVisible = visible.has(relation.oid)
        const reason = reasonFor(relation, { options, selection, isVisible })
        return reason === undefined ? [] : [[relation.schema, relation.name, reason]]
      }),
    })
  }

  /** The time is over: what is not hashed by now is left out. The session ends. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#session.close()
  }

  /** The number of rows of a table, which is hashed; undefined if it is left out. Never rejects. */
  async add(table: { schema: string; name: string }): Promise<number | undefined> {
    const relation = this.#relations.get(keyOf(table))
    if (relation === undefined) return undefined
    const result = await this.#hash(relation)
    if (result.hash === 'lock') {
      this.#locked.push(relation)
      return undefined
    }
    this.#enter(relation, result)
    return typeof result.hash === 'string' ? undefined : result.hash.rows
  }

  /** Tables once more that were locked, then large objects. Never rejects. */
  async complete(): Promise<void> {
    for (const relation of this.#locked.splice(0)) this.#enter(relation, await this.#hash(relation))
    if (!this.#hasLargeObjects) return
    const hash = await this.#orWhyNot(() => hashLargeObjects(this.#session, this.#by.algorithm))
    if (typeof hash === 'string') this.#leftOut.push([null, null, hash])
    else this.#largeObjects = hash
  }

  /** The last values of sequences, also when the other session has ended. Throws what the session throws. */
  async sequences(): Promise<SequenceValue[] | undefined> {
    return await this.#guard?.sequences()
  }

  result(): ContentHashes {
    const entries = [...this.#entries.values()]
    const failed = entries.flatMap(({ schema, name, reason }): LeftOut[] =>
      reason === undefined ? [] : [[schema, name, reason]],
    )
    return hashesOf(this.#by, {
      tables: entries.filter(({ reason }) => reason === undefined),
      leftOut: [...failed, ...this.#leftOut],
      largeObjects: this.#largeObjects,
      seconds: Math.round((performance.now() - this.#startedAt) / 100) / 10,
    })
  }

  async close(): Promise<void> {
    await this.#guard?.close()
  }

  async #hash(
    relation: HashableRelation,
  ): Promise<Pick<Entry, 'columns' | 'hasGenerated'> & { hash: ContentHash | LeftOutReason }> {
    const { algorithm, floats } = this.#by
    let [columns, hasGenerated] = ['', false]
    const hash = await this.#orWhyNot(async () => {
      const guard = this.#guard
      if (guard === undefined) return 'connection'
      const [read, reason] = await Promise.all([readColumns(this.#session, relation), guard.hold(relation)])
      columns = read.fingerprint
      hasGenerated = read.hasGenerated
      if (reason !== undefined) return reason
      let release = (): void => {
        guard.release()
        release = () => {}
      }
      try {
        if (floats === 'binary' && read.hasNestedFloats) return 'floats'
        const of = { columns: read.columns, algorithm, floats, onPlanned: () => release() }
        return await hashTable(this.#session, relation, of)
      } finally {
        release()
      }
    })
    return { hash, columns, hasGenerated }
  }

  async #orWhyNot(hash: () => Promise<ContentHash | LeftOutReason>): Promise<ContentHash | LeftOutReason> {
    if (this.#isOver) return 'time'
    if (!this.#session.isOpen) return 'connection'
    try {
      const result = await hash()
      // Somebody else has cancelled it.
      return result === 'time' && !this.#isOver ? 'refused' : result
    } catch {
      return this.#isOver ? 'time' : this.#session.isOpen ? 'refused' : 'connection'
    }
  }

  #enter(
    relation: HashableRelation,
    result: Pick<Entry, 'columns' | 'hasGenerated'> & { hash: ContentHash | LeftOutReason },
  ): void {
    const { root } = relation
    const { schema, name } = root !== undefined && this.#isTop(root) ? root : relation
    const key = keyOf({ schema, name })
    const { hash, columns, hasGenerated } = result
    const earlier = this.#entries.get(key) ?? { hash: NO_ROWS, reason: undefined }
    this.#entries.set(key, {
      ...{ schema, name, columns, hasGenerated },
      hash: typeof hash === 'string' ? earlier.hash : addHashes(earlier.hash, hash),
      reason: typeof hash === 'string' ? hash : earlier.reason,
    })
  }
}

/** Why something that is dumped has no rows of its own in the dump, or not all of them. */
function reasonFor(
  relation: HashableRelation,
  of: { options: PgDumpOptions; selection: DumpedRelations; isVisible: boolean },
): LeftOutReason | undefined {
  const { options, selection, isVisible } = of
  const named = { ...relation, isVisible }
  if (relation.kind === 'extension') {
    const isDumped = options.schemas.length + options.tables.length === 0 && selection.isDumpedWithData(named)
    return isDumped ? 'extension' : undefined
  }
  if (!selection.isDumped(named)) return undefined
  if (relation.kind === 'foreign table') return 'foreign'
  if (relation.kind === 'materialized view') return 'view'
  return selection.isDumpedWithData(named) ? undefined : 'rows'
}

function keyOf({ schema, name }: { schema: string; name: string }): string {
  return JSON.stringify([schema, name])
}
