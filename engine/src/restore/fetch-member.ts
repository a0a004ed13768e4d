import { type Manifest, type Member, readMemberIndex } from '@telegram-backup/archive'
import type {
  FileStamp,
  FoundMember,
  MemberConnector,
  MemberPattern,
  MemberSelection,
} from '@telegram-backup/connectors/members.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { FetchPlan } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import type { BackupService, PartToFetch } from 'telegram-deployment-bot'
import type { ManifestCache } from '#restore/manifest-cache.ts'
import { type ByteRange, cutRanges, planRanges } from '#restore/read-ranges.ts'
import { membersOf } from '#restore/restore-target.ts'

export interface MemberFetchOptions {
  service: BackupService
  backup: BackupDetails
  plan: FetchPlan
  identities: readonly string[]
  signal: AbortSignal
  manifests?: ManifestCache | undefined
}

export interface FetchedMember {
  path: string
  /** In bytes. */
  size: number
  /** As it was recorded, hexadecimal; undefined if it was not. */
  sha256: string | undefined
  /** How many parts hold it; only these are fetched. */
  parts: number
  bytes: AsyncIterable<Buffer>
  /** Its mode and time, known after the last byte. */
  stamp(): FileStamp
}

/** A part of a directory backup, and how to read it. */
export interface SelectedPart {
  selection: MemberSelection
  /** How many parts hold it; only these are fetched. */
  partCount: number
  /** Their size in the chat. */
  archiveBytes: number
  /** Of the tar file. */
  plainBytes: number
  /** Can be called several times. */
  read(of: ReadPart): AsyncIterable<Buffer>
}

interface ReadPart {
  signal: AbortSignal
  /** Called for each verified part. */
  onPart?: (() => void) | undefined
}

/** Members that a pattern matches, and those in matched folders. */
export interface ChosenMembers {
  chosen: FoundMember[]
  pattern: MemberPattern
}

/** tar writes hard links that lead straight to a file; more steps than this mean damage. */
const MAX_LINKS = 8

/** Fetches single files of a directory backup. */
export class MemberFetch {
  readonly #options: MemberFetchOptions
  readonly #connector: MemberConnector
  #manifest: Promise<Manifest> | undefined

  constructor(options: MemberFetchOptions) {
    this.#options = options
    this.#connector = membersOf(options.backup)
  }

  /** All members, in order: from the index in the manifest; without one, by reading the whole backup. */
  async *members(): AsyncGenerator<Member> {
    const { members } = await this.#openManifest()
    if (members !== undefined) yield* readMemberIndex(members)
    else yield* this.#connector.list(this.#fetchAll())
  }

  /** The members as the manifest lists them; undefined without a list. */
  async listed(): Promise<Iterable<Member> | undefined> {
    const { members } = await this.#openManifest()
    return members === undefined ? undefined : readMemberIndex(members)
  }

  /**
   * The file of that path; for a hard link, the file that it leads to. Only the parts that hold it are
   * fetched, and each is verified. Throws `NOT_FOUND`, `USAGE` for anything that is not a file, and what
   * fetching throws.
   */
  async open(path: string): Promise<FetchedMember> {
    const { plainSize } = await this.#openManifest()
    const { signal } = this.#options
    let member = await this.#connector.find(this.members(), path, { end: plainSize })
    for (let links = 0; member.kind === 'hardlink' && links < MAX_LINKS; links++) {
      const target = await this.#connector.linkTarget(this.read([member], { signal }))
      member = await this.#connector.find(this.members(), target, { end: plainSize, before: member.offset })
    }
    if (member.kind !== 'file') {
      throw new BackupError(`${JSON.stringify(member.path)} is not a file, but a ${NAMES[member.kind]}`, {
        code: 'USAGE',
        hint:
          member.kind === 'directory'
            ? hint`${run('restore', 'ID', { to: 'DIRECTORY' })} restores the whole backup.`
            : hint`${run('fetch', 'ID', { list: true })} shows the files.`,
      })
    }
    const parts = await this.partsOf([member])
    let stamp: FileStamp = {}
    const bytes = this.#connector.extract(this.read([member], { signal }), {
      signal,
      onStamp: found => {
        stamp = found
      },
    })
    const { size, sha256 } = member
    return { path: member.path, size, sha256, parts: parts.length, bytes, stamp: () => stamp }
  }

  /**
   * The members that the patterns match, with what they need. Throws `NOT_FOUND` for a pattern that matches
   * nothing.
   */
  async select(patterns: readonly string[]): Promise<SelectedPart> {
    const { plainSize } = await this.#openManifest()
    const { signal, backup } = this.#options
    const selection = await this.#connector.select(() => this.members(), {
      patterns,
      source: backup.source,
      end: plainSize,
      read: members => this.read(members, { signal }),
    })
    const members = [...selection.chosen, ...selection.contents].sort((a, b) => a.offset - b.offset)
    const parts = await this.partsOf(members)
    return {
      selection,
      partCount: parts.length,
      archiveBytes: parts.reduce((sum, { size }) => sum + size, 0),
      plainBytes: members.reduce((sum, { offset, end }) => sum + end - offset, 0),
      read: of => this.read(members, of),
    }
  }

  /** The members that a pattern matches, with all that is in matched folders. Throws `NOT_FOUND`. */
  async choose(pattern: string): Promise<ChosenMembers> {
    const { plainSize } = await this.#openManifest()
    const { source } = this.#options.backup
    const of = { patterns: [pattern], source, end: plainSize }
    const chosen = await this.#connector.choose(this.members(), of)
    return { chosen, pattern: await this.#connector.pattern(pattern, { source, anywhere: false }) }
  }

  /** The same members with their attributes, read from the parts that hold them. */
  async *withAttributes(members: readonly FoundMember[], of: ReadPart): AsyncGenerator<Member> {
    let next = 0
    for await (const { attributes } of this.#connector.list(this.read(members, of))) {
      const member = members[next++]
      if (member !== undefined) yield { ...member, attributes }
    }
  }

  /** The bytes of these members, in the order of their offsets, out of the tar file. */
  async *read(members: readonly FoundMember[], { signal, onPart }: ReadPart): AsyncGenerator<Buffer> {
    const { parts } = await this.#openManifest()
    const { service, plan, identities } = this.#options
    for (const { numbers, ...run } of planRanges(parts, members.map(rangeOf))) {
      const wanted = new Set(numbers)
      const bytes = service.fetchBackup({
        ...{ ...plan, identities, signal, onPart, partial: true },
        parts: plan.parts.filter(({ number }) => wanted.has(number)),
      })
      yield* cutRanges(bytes, run)
    }
  }

  /** The parts that hold these members. */
  async partsOf(members: readonly FoundMember[]): Promise<PartToFetch[]> {
    const { parts } = await this.#openManifest()
    const wanted = new Set(planRanges(parts, members.map(rangeOf)).flatMap(({ numbers }) => numbers))
    return this.#options.plan.parts.filter(({ number }) => wanted.has(number))
  }

  #fetchAll(): AsyncIterable<Buffer> {
    const { service, plan, identities, signal } = this.#options
    return service.fetchBackup({ ...plan, identities, signal })
  }

  #openManifest(): Promise<Manifest> {
    const { manifests, backup } = this.#options
    const fetch = (): Promise<Manifest> => this.#fetchManifest()
    this.#manifest ??= manifests === undefined ? fetch() : manifests.read(backup.id, fetch)
    return this.#manifest
  }

  async #fetchManifest(): Promise<Manifest> {
    const { service, backup, plan, identities, signal } = this.#options
    if (plan.manifest === undefined) {
      throw new BackupError('The catalog has no manifest of this backup, so single files cannot be found', {
        code: 'NOT_FOUND',
        hint: hint`Fetch the whole backup: ${run('fetch', 'ID', { out: 'FILE.tar' })}`,
      })
    }
    const { encrypted } = plan
    const { manifest } = await service.fetchManifest({ ...plan.manifest, encrypted, identities, signal })
    if (manifest.backup.id === backup.id) return manifest
    throw new BackupError('The manifest in the chat belongs to another backup', { code: 'INTEGRITY' })
  }
}

function rangeOf({ offset, end }: FoundMember): ByteRange {
  return { start: offset, end }
}

const NAMES: Readonly<Record<Member['kind'], string>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symbolic link',
  hardlink: 'hard link without a target',
  other: 'device, pipe or socket',
}
