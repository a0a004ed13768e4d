import type { Member } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import type { BackupSource, BackupType } from 'telegram-deployment-bot'
import type { SkippedFile } from '#allowances.ts'
import type { DrillConnector } from '#drilling.ts'
import type { Finding, ProgramCheck } from '#finding.ts'
import type { SourceRecord } from '#recorded-backup.ts'
import type { RestoreConnector, RestoreTarget } from '#restoring.ts'

/**
 * What a kind of source can do: a database, a directory, a file. Each kind has one such object; `registry.ts` lists them,
 * and all other code goes by that list. A capability that is left out is one that the kind does not have: callers ask for
 * it before they use it, so nothing is loaded only to learn that.
 *
 * The object itself loads nothing. Its methods import what they need, and start no work before they are called.
 */
export interface Connector<
  Choice extends SourceChoice = SourceChoice,
  Target extends RestoreTarget = RestoreTarget,
  Settings = never,
> {
  /** Stands in the record of each backup, for ever: by it an old backup finds its connector. Never changed. */
  readonly kind: string
  /** The setting that says what is read: in telegram-backup.yaml, of a named target, and as an option of `send`. */
  readonly place: string
  /** The settings that may stand beside it. */
  readonly settings: readonly string[]
  /** Reads its settings. Opens nothing. Throws `USAGE`. */
  choose(settings: Settings, read: SettingReaders): Choice
  /** Throws `USAGE` for a choice that no backup can be made of, as far as its text tells. Opens nothing. */
  assertUsable?(choice: Choice): Promise<void>
  /**
   * Starts to read. The caller closes what is opened. Throws `INVALID`, `USAGE` or `CONFIGURATION` for what cannot be read,
   * `UNREACHABLE`, `SOURCE`; any error after the signal has fired counts as `CANCELLED`.
   */
  open(choice: Choice, of: OpenOptions): Promise<OpenedSource>
  /** Whether a backup could be made now. Sends nothing. Throws the reason why not. */
  check(choice: Choice, of: { type: BackupType; signal: AbortSignal }): Promise<Finding>

  /** The programs that this kind starts, for `doctor`, in the order in which they are shown. */
  readonly programs?: readonly ProgramCheck[]
  /**
   * For a kind whose errors may name hosts and users. Gives a function that puts the name of the source in their place:
   * a catalog and a job have more readers than that place may have. An error with words of others comes back as it is.
   */
  hideSource?(choice: Choice, name: string | undefined): Promise<(error: unknown) => unknown>
  /** Whether a file of this machine goes into the backup. For a kind that reads files by their folder. */
  holdsFile?(choice: Choice, path: string): Promise<boolean>
  /** For a kind that can be read once more from its beginning: a send whose process died goes on where it ended. */
  readonly resume?: ResumeConnector<Choice>
  /** For a kind whose backups have files in them, which can be listed and fetched one by one. */
  readonly members?: MemberConnector
  /** For a kind that can be restored. Of all others, the bytes are fetched. */
  readonly restore?: RestoreConnector<Target>
  /** For a kind whose restore can be tried out and compared. */
  readonly drill?: DrillConnector<Target>
}

/** How a source is opened. */
export interface OpenOptions {
  type: BackupType
  /** Wait for the writer of a FIFO; else a FIFO is refused. */
  waits: boolean
  signal: AbortSignal | undefined
}

/** What is read, with its options. Each kind has a type of its own; only its own connector looks into it. */
export interface SourceChoice {
  readonly kind: string
}

/** Throws `USAGE` for a path that is empty. */
export function assertNamed(path: string, option: string): void {
  if (path !== '') return
  throw new BackupError(`${option} names nothing`, { code: 'USAGE', hint: 'Give a path.' })
}

/** How amounts are written is the same in all settings. All throw `USAGE`. */
export interface SettingReaders {
  /** `90s`, `15m`, in milliseconds. */
  spanMs(text: string): number
  /** A span back from now (`24h`), or a date. */
  pastTime(text: string): Date
}

/** A source at work, and of a directory what it could not read as it was. */
export type OpenedSource = BackupSource & { readonly skipped?: readonly SkippedFile[] }

/** Reads a source once more. */
export interface ResumeConnector<Choice> {
  /** What a backup was made of, from its record; `path` is where it is now, if it was moved. */
  chooseAgain(facts: SourceRecord, path: string | undefined): Choice
  /** What tells whether it was changed. Throws `INVALID` for a source that cannot be looked at. */
  look(choice: Choice): Promise<{ size: number; modifiedAt: Date }>
}

/** Reads the files in a backup. `bytes` are plain bytes, verified. */
export interface MemberConnector {
  /** All members, in order, of the whole backup. */
  list(bytes: AsyncIterable<Buffer>): AsyncIterable<Member>
  /**
   * The last member of that path; with `before`, the last that begins before that offset. `end` is the size of the whole.
   * Throws `NOT_FOUND`, with names that are near.
   */
  find(
    members: AsyncIterable<Member> | Iterable<Member>,
    path: string,
    of: { end: number; before?: number },
  ): Promise<FoundMember>
  /** The path that a hard link leads to, from the bytes of that member. */
  linkTarget(bytes: AsyncIterable<Buffer>): Promise<string>
  /** The contents of a file, from the bytes of that member. Throws `EXTRACTION`. */
  extract(
    bytes: AsyncIterable<Buffer>,
    of: { signal: AbortSignal; onStamp: (stamp: FileStamp) => void },
  ): AsyncIterable<Buffer>
}

/** A member and where it ends: where the next one begins, or the whole does. */
export interface FoundMember extends Member {
  end: number
}

/** What a file is given beside its contents; a field that cannot be read is left out. */
export interface FileStamp {
  /** Who may do what with it, without the bits that give a program another user's rights. */
  mode?: number
  /** Since 1970. */
  modifiedSeconds?: number
}
