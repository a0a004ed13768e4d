import { type Manifest, type Member, readMemberIndex } from '@telegram-backup/archive'
import type { FileStamp, FoundMember, MemberConnector } from '@telegram-backup/connectors/connector.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { FetchPlan } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import type { BackupService, PartToFetch } from 'telegram-deployment-bot'
import { membersOf } from '#restore/restore-target.ts'

export interface MemberFetchOptions {
  service: BackupService
  backup: BackupDetails
  plan: FetchPlan
  identities: readonly string[]
  signal: AbortSignal
}

export interface FetchedMember {
  path: string
  /** How many parts hold it; only these are fetched. */
  parts: number
  bytes: AsyncIterable<Buffer>
  /** Its mode and time, known after the last byte. */
  stamp(): FileStamp
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
    else yield* this.#connector.list(this.#fetch(this.#options.plan.parts, false))
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
    let member = await this.#connector.find(this.members(), path, { end: plainSize })
    for (let links = 0; member.kind === 'hardlink' && links < MAX_LINKS; links++) {
      const target = await this.#connector.linkTarget(this.#slice(member))
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
    const parts = await this.#partsOf(member)
    let stamp: FileStamp = {}
    const bytes = this.#connector.extract(this.#slice(member), {
      signal: this.#options.signal,
      onStamp: found => {
        stamp = found
      },
    })
    return { path: member.path, parts: parts.length, bytes, stamp: () => stamp }
  }

  /** The member's bytes of the tar file. */
  async *#slice(member: FoundMember): AsyncGenerator<Buffer> {
    const parts = await this.#partsOf(member)
    let at = (await this.#openManifest()).parts[(parts[0]?.number ?? 1) - 1]?.plainOffset ?? 0
    for await (const chunk of this.#fetch(parts, true)) {
      const piece = chunk.subarray(Math.max(0, member.offset - at), Math.max(0, member.end - at))
      at += chunk.length
      if (piece.length > 0) yield piece
    }
  }

  async #partsOf(member: FoundMember): Promise<PartToFetch[]> {
    const { parts } = await this.#openManifest()
    const wanted = new Set(
      parts
        .filter(part => part.plainOffset < member.end && part.plainOffset + part.plainSize > member.offset)
        .map(part => part.number),
    )
    return this.#options.plan.parts.filter(part => wanted.has(part.number))
  }

  #fetch(parts: readonly PartToFetch[], partial: boolean): AsyncIterable<Buffer> {
    const { service, plan, identities, signal } = this.#options
    return service.fetchBackup({ ...plan, parts, partial, identities, signal })
  }

  #openManifest(): Promise<Manifest> {
    this.#manifest ??= this.#fetchManifest()
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

const NAMES: Readonly<Record<Member['kind'], string>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symbolic link',
  hardlink: 'hard link without a target',
  other: 'device, pipe or socket',
}
