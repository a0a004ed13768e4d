import type { ContentHash } from '#postgres/contents/content-hash.ts'
import type { HashedBy } from '#postgres/contents/hash-record.ts'
import {
  type HashableRelation,
  hashLargeObjects,
  hashTable,
  hashTables,
} from '#postgres/contents/hash-tables.ts'
import type { Held, PlanGuard } from '#postgres/contents/safe-to-plan.ts'
import { readColumns, type TableColumns } from '#postgres/contents/table-columns.ts'
import type { LeftOutReason } from '#postgres/left-out.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

const PAGE_BYTES = 8192
/** A table with more is hashed by itself. */
const SMALL_BYTES = 128 * PAGE_BYTES
/** Small tables in one query: PostgreSQL takes at most 100. */
const TOGETHER = 64
/** For the guard to end what it asks, once the time is over. */
const GRACE_MS = 3_000

/** A hash, or the reason why there is none. */
export interface Hashed {
  hash: ContentHash | LeftOutReason
  columns: string
  hasGenerated: boolean
}

type Found = { relation: HashableRelation; hashed: Hashed } | { relation: HashableRelation; bytes: number }

/** Hashes tables in a session, each under the lock of a guard while its query is planned. */
export class GuardedHashes {
  readonly #session: PsqlSession
  readonly #by: HashedBy
  readonly #guard: PlanGuard | undefined
  #isOver = false
  #ending: NodeJS.Timeout | undefined

  constructor(session: PsqlSession, of: { by: HashedBy; guard: PlanGuard | undefined }) {
    this.#session = session
    this.#by = of.by
    this.#guard = of.guard
  }

  /** The time is over: what is not hashed by now is left out. The session ends. */
  async stop(): Promise<void> {
    this.#isOver = true
    this.#ending = setTimeout(() => void this.#guard?.close(), GRACE_MS)
    await this.#session.close()
  }

  async close(): Promise<void> {
    clearTimeout(this.#ending)
    await this.#guard?.close()
  }

  /**
   * Small tables first, many in one query: for a table of some rows, asking the server takes longer than
   * hashing. Never rejects.
   */
  async *all(relations: readonly HashableRelation[]): AsyncGenerator<[HashableRelation, Hashed]> {
    const small = relations.filter(({ pages }) => pages * PAGE_BYTES <= SMALL_BYTES)
    const alone = relations
      .filter(({ pages }) => pages * PAGE_BYTES > SMALL_BYTES)
      .map(relation => ({ relation, bytes: relation.pages * PAGE_BYTES }))
    for (let at = 0; at < small.length; at += TOGETHER) {
      for (const found of await this.#together(small.slice(at, at + TOGETHER))) {
        if ('hashed' in found) yield [found.relation, found.hashed]
        else alone.push(found)
      }
    }
    for (const { relation } of alone.sort((a, b) => a.bytes - b.bytes))
      yield [relation, await this.one(relation)]
  }

  /** Waits for a lock of others, and then has the reason `lock`. Never rejects. */
  async one(relation: HashableRelation): Promise<Hashed> {
    let known = NOTHING_KNOWN
    const hash = await this.#orWhyNot(
      async guard =>
        await withRelease(guard, async onPlanned => {
          const [[read], [held]] = await Promise.all([
            readColumns(this.#session, [relation]),
            guard.hold([relation]),
          ])
          if (read === undefined) return 'refused'
          known = shownOf(read)
          const reason = this.#reasonOf(read, held)
          if (reason !== undefined) return reason
          return await hashTable(this.#session, { ...relation, ...read }, { ...this.#by, onPlanned })
        }),
    )
    return { hash, ...known }
  }

  /** Of all large objects together. Never rejects. */
  largeObjects(): Promise<ContentHash | LeftOutReason> {
    return this.#orWhyNot(() => hashLargeObjects(this.#session, this.#by.algorithm))
  }

  /** One that is locked or fails must not lose the others: they are tried again in halves. */
  async #together(relations: readonly HashableRelation[]): Promise<Found[]> {
    const whyNot = this.#whyNot()
    if (typeof whyNot === 'string')
      return relations.map(relation => ({ relation, hashed: { hash: whyNot, ...NOTHING_KNOWN } }))
    if (relations.length <= 1)
      return relations.map(relation => ({ relation, bytes: relation.pages * PAGE_BYTES }))
    const { found, again } = await this.#atOnce(whyNot, relations).catch(() => ({
      found: [],
      again: relations,
    }))
    const half = Math.ceil(again.length / 2)
    const first = await this.#together(again.slice(0, half))
    return [...found, ...first, ...(await this.#together(again.slice(half)))]
  }

  async #atOnce(
    guard: PlanGuard,
    relations: readonly HashableRelation[],
  ): Promise<{ found: Found[]; again: HashableRelation[] }> {
    return await withRelease(guard, async onPlanned => {
      const [columns, held] = await Promise.all([
        readColumns(this.#session, relations),
        guard.hold(relations),
      ])
      const found: Found[] = []
      const again: HashableRelation[] = []
      const small: Array<{ relation: HashableRelation; read: TableColumns }> = []
      for (const [at, read] of columns.entries()) {
        const relation = relations[at] as HashableRelation
        const bytes = held[at]?.bytes
        const reason = this.#reasonOf(read, held[at])
        if (reason === 'lock') again.push(relation)
        else if (reason !== undefined) found.push({ relation, hashed: { hash: reason, ...shownOf(read) } })
        else if (bytes !== undefined && bytes <= SMALL_BYTES) small.push({ relation, read })
        else found.push({ relation, bytes: bytes ?? relation.pages * PAGE_BYTES })
      }
      if (small.length === 0) return { found, again }
      const tables = small.map(({ relation, read }) => ({ ...relation, ...read }))
      const hashes = await hashTables(this.#session, tables, { ...this.#by, onPlanned })
      for (const [at, { relation, read }] of small.entries()) {
        const hash = typeof hashes === 'string' ? undefined : hashes[at]
        if (hash === undefined) again.push(relation)
        else found.push({ relation, hashed: { hash, ...shownOf(read) } })
      }
      return { found, again }
    })
  }

  #reasonOf({ hasNestedFloats }: TableColumns, held: Held | undefined): LeftOutReason | undefined {
    const { reason } = held ?? { reason: 'refused' }
    if (reason === 'connection' && this.#isOver) return 'time'
    return reason ?? (this.#by.floats === 'binary' && hasNestedFloats ? 'floats' : undefined)
  }

  #whyNot(): PlanGuard | LeftOutReason {
    if (this.#isOver) return 'time'
    return (this.#session.isOpen ? this.#guard : undefined) ?? 'connection'
  }

  async #orWhyNot(
    hash: (guard: PlanGuard) => Promise<ContentHash | LeftOutReason>,
  ): Promise<ContentHash | LeftOutReason> {
    const guard = this.#whyNot()
    if (typeof guard === 'string') return guard
    try {
      const result = await hash(guard)
      // Somebody else has cancelled it.
      return result === 'time' && !this.#isOver ? 'refused' : result
    } catch {
      const whyNot = this.#whyNot()
      return typeof whyNot === 'string' ? whyNot : 'refused'
    }
  }
}

const NOTHING_KNOWN: Pick<Hashed, 'columns' | 'hasGenerated'> = { columns: '', hasGenerated: false }

function shownOf({ fingerprint, hasGenerated }: TableColumns): typeof NOTHING_KNOWN {
  return { columns: fingerprint, hasGenerated }
}

/** What the guard holds is released once, at the latest at the end. */
async function withRelease<Result>(
  guard: PlanGuard,
  use: (release: () => void) => Promise<Result>,
): Promise<Result> {
  let isReleased = false
  const release = (): void => {
    if (!isReleased) guard.release()
    isReleased = true
  }
  try {
    return await use(release)
  } finally {
    release()
  }
}
