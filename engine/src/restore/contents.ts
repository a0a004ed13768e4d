import type { Member } from '@telegram-backup/archive'
import type { BackupDetails, Database } from '@telegram-backup/database'
import { type FetchPlan, planFetch } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import { withOtherPlaces } from '@telegram-backup/vault/fetch/part-places.ts'
import { readIdentities } from '#age-keys.ts'
import type { Engine, Watching } from '#engine.ts'
import { type FetchedMember, MemberFetch, type SelectedPart } from '#restore/fetch-member.ts'
import type { ManifestCache } from '#restore/manifest-cache.ts'
import { type ByteRange, cutRanges } from '#restore/read-ranges.ts'

export interface ContentsOptions extends Omit<Engine, 'database'>, Watching {
  /** Opened only when a document is not where the plan expects it. */
  catalog: () => Promise<Database>
  /** Where manifests are kept that several requests read. */
  manifests?: ManifestCache | undefined
}

export interface ReadHooks {
  /** Called once before the first byte. */
  onStart?: ((of: { partCount: number; plainBytes: number }) => void) | undefined
  /** Called for each verified part. */
  onPart?: (() => void) | undefined
  /** Called with the number of plain bytes so far. */
  onBytes?: ((plainBytes: number) => void) | undefined
}

export interface ReadOptions extends Omit<ReadHooks, 'onStart'> {
  /** Called with true when the next part is asked for, and with false when it is there. */
  onPartAwaited?: ((isAwaited: boolean) => void) | undefined
  signal?: AbortSignal
}

/**
 * The plain bytes of one backup. Fetching, restoring and drills all read them here. A document is looked for
 * by file id, by message, and in the second chat. Every part is verified before any of its bytes comes out.
 */
export class BackupContents {
  readonly backup: BackupDetails
  /** In messages. */
  readonly partCount: number
  readonly #plan: FetchPlan
  readonly #identities: readonly string[]
  readonly #options: ContentsOptions

  private constructor(
    backup: BackupDetails,
    of: { plan: FetchPlan; identities: readonly string[]; options: ContentsOptions },
  ) {
    this.backup = backup
    this.partCount = of.plan.parts.length
    this.#plan = of.plan
    this.#identities = of.identities
    this.#options = of.options
  }

  /**
   * Throws before the first byte: `NOT_FOUND` for a backup that is not complete in the chat, `INTEGRITY` when
   * the catalog lacks a part, `CONFIGURATION` without a key.
   */
  static async open(backup: BackupDetails, options: ContentsOptions): Promise<BackupContents> {
    const { client, catalog, signal, note } = options
    const planned = planFetch(backup)
    const identities = await readIdentities(options.config, planned.encrypted)
    const plan = withOtherPlaces(planned, {
      ...{ client, catalog, signal },
      note: text => note(`note: ${text}`),
    })
    return new BackupContents(backup, { plan, identities, options })
  }

  /** All bytes. Iterating throws `INTEGRITY`, `WRONG_KEY`, `CANCELLED` and how the chat failed. */
  read({ signal, onBytes, ...hooks }: ReadOptions = {}): AsyncIterable<Buffer> {
    const bytes = this.#options.service.fetchBackup({ ...this.#plan, ...this.#with(signal), ...hooks })
    return counted(bytes, onBytes)
  }

  /**
   * Writes all bytes into a new file, with holes for zeros, or into a pipe or device. Resolves to their
   * number.
   */
  async writeInto(
    fd: number,
    { signal, onPart, onBytes }: Omit<ReadOptions, 'onPartAwaited'> = {},
  ): Promise<number> {
    const { plainSize } = await this.#options.service.fetchBackupInto(fd, {
      ...this.#plan,
      ...this.#with(signal),
      onPart,
      onProgress: onBytes,
      sparse: true,
    })
    return plainSize
  }

  /** The bytes of a range. Fetches only the parts that hold them, and verifies each whole part. */
  readRange(
    range: ByteRange,
    { signal, onPart }: Omit<ReadOptions, 'onBytes' | 'onPartAwaited'> = {},
  ): AsyncIterable<Buffer> {
    const { first, numbers } = partsOf(this.backup, range)
    const parts = this.#plan.parts.filter(({ number }) => numbers?.has(number) ?? true)
    const partial = parts.length < this.#plan.parts.length
    const bytes = this.#options.service.fetchBackup({
      ...{ ...this.#plan, parts, partial },
      ...this.#with(signal),
      onPart,
    })
    return cutRanges(bytes, { plainOffset: partial ? first : 0, ranges: [range] })
  }

  /** All members of a directory backup, in order. */
  members(): AsyncIterable<Member> {
    return this.memberFetch().members()
  }

  /** The members of a directory backup as the manifest lists them; undefined without a list. */
  listedMembers(): Promise<Iterable<Member> | undefined> {
    return this.memberFetch().listed()
  }

  /** One file of a directory. Throws `NOT_FOUND`, `USAGE` for what is no file. */
  openMember(path: string): Promise<FetchedMember> {
    return this.memberFetch().open(path)
  }

  /**
   * The members of a directory backup that the patterns match, with what they need. Reads only the list of
   * members. Throws `NOT_FOUND` for a pattern that matches nothing.
   */
  selectPart(patterns: readonly string[]): Promise<SelectedPart> {
    return this.memberFetch().select(patterns)
  }

  /** Reads the list of members, and single ones. */
  memberFetch(): MemberFetch {
    const { service, signal, manifests } = this.#options
    return new MemberFetch({
      ...{ service, signal, manifests, backup: this.backup },
      ...{ plan: this.#plan, identities: this.#identities },
    })
  }

  #with(signal: AbortSignal | undefined): { identities: readonly string[]; signal: AbortSignal } {
    return { identities: this.#identities, signal: signal ?? this.#options.signal }
  }
}

/** The same bytes; their number so far is reported, if anybody wants it. */
export function counted(bytes: AsyncIterable<Buffer>, onBytes: ReadHooks['onBytes']): AsyncIterable<Buffer> {
  return onBytes === undefined ? bytes : counting(bytes, onBytes)
}

async function* counting(
  bytes: AsyncIterable<Buffer>,
  onBytes: (plainBytes: number) => void,
): AsyncGenerator<Buffer> {
  let plainBytes = 0
  for await (const chunk of bytes) {
    yield chunk
    plainBytes += chunk.length
    onBytes(plainBytes)
  }
}

/**
 * The numbers of the parts that hold a range, and where the first of them begins. No numbers when the catalog
 * does not know the offset of every part: then all are fetched.
 */
function partsOf(
  { parts }: BackupDetails,
  range: ByteRange,
): { first: number; numbers: ReadonlySet<number> | undefined } {
  const known = new Map<number, { offset: number; size: number }>()
  for (const { part_no, plain_offset: offset, plain_size: size } of parts) {
    if (offset === null || size === null) return { first: 0, numbers: undefined }
    known.set(part_no, { offset, size })
  }
  const wanted = [...known].filter(
    ([, { offset, size }]) => offset < range.end && offset + size > range.start,
  )
  const first = Math.min(...wanted.map(([, { offset }]) => offset))
  return { first, numbers: new Set(wanted.map(([number]) => number)) }
}
