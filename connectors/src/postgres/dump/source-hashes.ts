import type { PostgresConnection } from '#postgres/connection.ts'
import { addHashes, type ContentHash, NO_ROWS } from '#postgres/contents/content-hash.ts'
import { GuardedHashes, type Hashed } from '#postgres/contents/guarded-hashes.ts'
import {
  type ContentHashes,
  type HashAlgorithm,
  type HashedBy,
  hashesOf,
} from '#postgres/contents/hash-record.ts'
import {
  type HashableRelation,
  prepareHashing,
  readHashable,
  readHashedBy,
} from '#postgres/contents/hash-tables.ts'
import { PlanGuard } from '#postgres/contents/safe-to-plan.ts'
import { readVisible, type SequenceValue } from '#postgres/database-contents.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import type { LeftOut, LeftOutReason } from '#postgres/left-out.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'
import type { DumpedRelations } from '#postgres/table-patterns.ts'

interface Named {
  schema: string
  name: string
}

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
  readonly #hashes: GuardedHashes
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

  private constructor(of: {
    hashes: GuardedHashes
    by: HashedBy
    guard: PlanGuard | undefined
    relations: ReadonlyMap<string, HashableRelation>
    isTop: (table: { schema: string; name: string; oid: number }) => boolean
    leftOut: LeftOut[]
    hasLargeObjects: boolean
  }) {
    this.#hashes = of.hashes
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
    const beginning = PlanGuard.begin(connection, { psql, signal }).catch(() => undefined)
    let begun: SourceHashes | undefined
    try {
      const visible = await readVisible(session)
      const relations = await readHashable(session)
      const areDumped = options.schemas.length + options.tables.length === 0
      const hasLargeObjects = areDumped && (await session.ask(HAS_LARGE_OBJECTS)) === true
      await prepareHashing(session)
      const by = await readHashedBy(session, algorithm)
      if (by === undefined) return undefined
      const guard = await beginning
      begun = new SourceHashes({
        ...{ hashes: new GuardedHashes(session, { by, guard }), by, guard, hasLargeObjects },
        relations: new Map(relations.map(relation => [keyOf(relation), relation])),
        isTop: table => selection.isDumped({ ...table, isVisible: visible.has(table.oid) }),
        leftOut: relations.flatMap((relation): LeftOut[] => {
          const isVisible = visible.has(relation.oid)
          const reason = reasonFor(relation, { options, selection, isVisible })
          return reason === undefined ? [] : [[relation.schema, relation.name, reason]]
        }),
      })
      return begun
    } finally {
      if (begun === undefined) await (await beginning)?.close()
    }
  }

  /** The time is over: what is not hashed by now is left out. The session ends. */
  stop(): Promise<void> {
    return this.#hashes.stop()
  }

  /** Each table with the number of its rows, undefined if it is left out. Never rejects. */
  async *rowsOf<Table extends Named>(tables: readonly Table[]): AsyncGenerator<[Table, number | undefined]> {
    const named = new Map(tables.map(table => [keyOf(table), table]))
    for (const [key, table] of named) if (!this.#relations.has(key)) yield [table, undefined]
    const relations = [...named.keys()].flatMap(key => this.#relations.get(key) ?? [])
    for await (const [relation, hashed] of this.#hashes.all(relations)) {
      const table = named.get(keyOf(relation)) as Table
      if (hashed.hash === 'lock') this.#locked.push(relation)
      else this.#enter(relation, hashed)
      yield [table, typeof hashed.hash === 'string' ? undefined : hashed.hash.rows]
    }
  }

  /** Tables once more that were locked, then large objects. Never rejects. */
  async complete(): Promise<void> {
    for (const relation of this.#locked.splice(0)) this.#enter(relation, await this.#hashes.one(relation))
    if (!this.#hasLargeObjects) return
    const hash = await this.#hashes.largeObjects()
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

  close(): Promise<void> {
    return this.#hashes.close()
  }

  #enter(relation: HashableRelation, { hash, columns, hasGenerated }: Hashed): void {
    const { root } = relation
    const { schema, name } = root !== undefined && this.#isTop(root) ? root : relation
    const key = keyOf({ schema, name })
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

function keyOf({ schema, name }: Named): string {
  return JSON.stringify([schema, name])
}
