import { BackupError } from '@telegram-backup/errors'
import type { BackupSource, BackupType } from 'telegram-deployment-bot'
import type { SkippedFile } from '#allowances.ts'
import type { DrillConnector } from '#drilling.ts'
import type { Finding, ProgramCheck } from '#finding.ts'
import type { MemberConnector } from '#members.ts'
import type { SourcePreview } from '#preview.ts'
import type { SourceRecord } from '#recorded-backup.ts'
import type { RestoreConnector, RestoreTarget } from '#restoring.ts'
import type { SourceWords } from '#source-words.ts'

/**
 * What a kind of source can do. Each kind has one such object, which `registry.ts` lists. Callers look
 * whether an optional capability is there before they use it. The object loads nothing: its methods import
 * what they need.
 */
export interface Connector<
  Choice extends SourceChoice = SourceChoice,
  Target extends RestoreTarget = RestoreTarget,
  Settings = never,
> {
  /** Stands in the record of each backup: by it an old backup finds its connector, so it never changes. */
  readonly kind: string
  /** The setting that names the source: in telegram-backup.yaml, of a target, as an option of `send`. */
  readonly place: string
  /** The other settings of this kind. */
  readonly settings: readonly string[]
  /** Reads the settings, without opening anything. Throws `USAGE`. */
  choose(settings: Settings, read: SettingReaders): Choice
  /** Throws `USAGE` for a choice whose text alone shows that it cannot be backed up. Opens nothing. */
  assertUsable?(choice: Choice): Promise<void>
  /**
   * Starts to read. The caller closes the source. Throws `INVALID`, `USAGE` or `CONFIGURATION` for what
   * cannot be read, `UNREACHABLE`, `SOURCE`; any error after the signal has fired counts as `CANCELLED`.
   */
  open(choice: Choice, of: OpenOptions): Promise<OpenedSource>
  /** Throws the reason why no backup could be made now. Sends nothing. */
  check(choice: Choice, of: { type: BackupType; signal: AbortSignal }): Promise<Finding>

  /**
   * What a backup would hold, without reading it; a kind without it can be read only once. Throws what a
   * backup would throw, as far as that shows.
   */
  preview?(choice: Choice, of: { type: BackupType; signal: AbortSignal }): Promise<SourcePreview>
  /** For a kind that a set-up offers. */
  readonly setup?: SetupConnector

  /** The programs that this kind starts, in the order in which `doctor` shows them. */
  readonly programs?: readonly ProgramCheck[]
  /**
   * For a kind whose errors may name hosts and users, which not every reader of the catalog may know. Gives a
   * function that puts the name of the source in their place; an error that is not ours comes back as it is.
   */
  hideSource?(choice: Choice, name: string | undefined): Promise<(error: unknown) => unknown>
  /** For a kind that reads folders: whether a file of this machine is in the backup. */
  holdsFile?(choice: Choice, path: string): Promise<boolean>
  /** What the record of a backup tells a person. The facts are not trusted. */
  describe?(facts: SourceRecord): SourceWords
  /** For a kind that consists of several sources: each becomes a backup of its own, all in one group. */
  readonly group?: GroupConnector<Choice>
  /** For a kind that can be read again: a send whose process died goes on where it ended. */
  readonly resume?: ResumeConnector<Choice>
  /** For a kind whose backups have files in them, which can be listed and fetched one by one. */
  readonly members?: MemberConnector
  /** Without it, a person fetches the bytes. */
  readonly restore?: RestoreConnector<Target>
  readonly drill?: DrillConnector<Target>
}

/** How a person names sources of a kind for the first time. */
export interface SetupConnector {
  /** The type of their backups. */
  readonly type: BackupType
  /** What is on this machine. Finding changes nothing. */
  find(signal: AbortSignal): Promise<FoundSource[]>
  /** Reads a place as a person typed it. Throws `USAGE` for one that cannot be read. */
  read(typed: string): Promise<TypedPlace>
}

export interface TypedPlace {
  /** The value of the setting, where every process on this machine understands it alike. */
  place: string
  /** A short name, in any characters. */
  name: string
  /** A password in the place, or given beside it; and the place with `${variable}` for it. */
  secret?: { value: string; placeWith(variable: string): string } | undefined
}

/** A place that a backup could be made of, or why something that was found cannot be used. */
export type FoundSource = { /** For people; names of others are quoted. */ shown: string } & (
  | {
      /** As {@link SetupConnector.read} takes it. */
      place: string
      sizeBytes?: number
      /** Whether a first backup should have it unless a person says otherwise. */
      isUsual: boolean
    }
  | { problem: string; hint?: string }
)

export interface OpenOptions {
  type: BackupType
  /** Wait for the writer of a FIFO; else a FIFO is refused. */
  waits: boolean
  signal: AbortSignal | undefined
}

/** What is read, with its options. Only its own connector looks into it. */
export interface SourceChoice {
  readonly kind: string
}

export interface GroupConnector<Choice> {
  /**
   * What the source consists of at this moment, in the order in which it is backed up and restored. Throws
   * what `open` throws.
   */
  list(choice: Choice, signal: AbortSignal): Promise<GroupMember[]>
  /**
   * Where a member is restored, on the server that a target names; undefined for a target of another kind,
   * and a name that no member has.
   */
  targetOf(member: string, server: RestoreTarget): Promise<RestoreTarget | undefined>
}

export interface GroupMember {
  /** Unique in the group, and the same in each run. At most 256 characters. */
  name: string
  choice: SourceChoice
}

/** Throws `USAGE` for an empty path. */
export function assertNamed(path: string, option: string): void {
  if (path !== '') return
  throw new BackupError(`${option} is empty`, { code: 'USAGE', hint: 'Give a path.' })
}

/** Readers of values that all settings write alike. All throw `USAGE`. */
export interface SettingReaders {
  /** `90s`, `15m`, in milliseconds. */
  spanMs(text: string): number
  /** A span back from now (`24h`), or a date. */
  pastTime(text: string): Date
}

/** A source at work, with the files of a directory that are missing or torn in the backup. */
export type OpenedSource = BackupSource & { readonly skipped?: readonly SkippedFile[] }

export interface ResumeConnector<Choice> {
  /** The source of a backup, from its record; `path` is where it is now, if it was moved. */
  chooseAgain(facts: SourceRecord, path: string | undefined): Choice
  /** What shows whether it has changed. Throws `INVALID` for a source that cannot be looked at. */
  look(choice: Choice): Promise<{ size: number; modifiedAt: Date }>
}
