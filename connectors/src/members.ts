import type { Member } from '@telegram-backup/archive'
import type { SourceRecord } from '#recorded-backup.ts'

/** Reads the files in a backup, from its verified plain bytes. */
export interface MemberConnector {
  /** All members of the whole backup, in order. */
  list(bytes: AsyncIterable<Buffer>): AsyncIterable<Member>
  /**
   * The last member of that path, or the last before an offset. `end`: size of the whole. Throws `NOT_FOUND`.
   */
  find(
    members: AsyncIterable<Member> | Iterable<Member>,
    path: string,
    of: { end: number; before?: number },
  ): Promise<FoundMember>
  /** The path that a hard link leads to, from the bytes of that member. */
  linkTarget(bytes: AsyncIterable<Buffer>): Promise<string>
  /**
   * Tells which paths the patterns match: absolute ones count from the directory of the record. Each is a
   * path, or has `*`, `?`, `[…]` and `**` in it.
   * @param of.anywhere a pattern without a slash matches the last name of a path in any folder
   */
  pattern(text: string, of: { source: SourceRecord | null; anywhere: boolean }): Promise<MemberPattern>
  /**
   * The members that the patterns match, with all that is in matched folders, in order. Throws `NOT_FOUND`
   * for a pattern that matches nothing. `end`: size of the whole.
   */
  choose(
    members: AsyncIterable<Member>,
    of: { patterns: readonly string[]; source: SourceRecord | null; end: number },
  ): Promise<FoundMember[]>
  /**
   * These members, and what they need to be restored alone. Throws `NOT_FOUND` as `choose`, and
   * `UNRESTORABLE` for a hard link that leads nowhere.
   * @param list reads all members, in order
   */
  select(
    list: () => AsyncIterable<Member>,
    of: {
      patterns: readonly string[]
      source: SourceRecord | null
      /** Size of the whole. */
      end: number
      /** The bytes of some members, in their order. */
      read(members: readonly FoundMember[]): AsyncIterable<Buffer>
    },
  ): Promise<MemberSelection>
  /** The contents of a file, from the bytes of that member. Throws `EXTRACTION`. */
  extract(
    bytes: AsyncIterable<Buffer>,
    of: { signal: AbortSignal; onStamp: (stamp: FileStamp) => void },
  ): AsyncIterable<Buffer>
}

export interface MemberPattern {
  matches(path: string): boolean
  /** Whether it matches the path, or a folder above it. */
  covers(path: string): boolean
}

/** What a part of a backup consists of. */
export interface MemberSelection {
  /** In the order of their offsets. */
  chosen: readonly FoundMember[]
  /** Members that were not chosen, but hard links among the chosen ones lead to their contents. */
  contents: readonly FoundMember[]
  /** Folders that were not chosen, but others are in them; outermost first. */
  above: readonly Pick<Member, 'path' | 'attributes'>[]
}

/** A member, and the offset at which it ends. */
export interface FoundMember extends Member {
  end: number
}

/** The mode and time of a file; a field that cannot be read is left out. */
export interface FileStamp {
  /** Permissions, without the bits that give a program another user's rights. */
  mode?: number
  /** Since 1970. */
  modifiedSeconds?: number
}
