import type { Finding } from '#finding.ts'
import type { MemberSelection } from '#members.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

export interface RestoreConnector<Target extends RestoreTarget = RestoreTarget> {
  readonly makes: 'database' | 'directory' | 'roles'
  /** Placeholder for a target in a command: `URL`. */
  readonly shown: string
  /** The form of such a target. `path`, which one kind has: any other text. */
  readonly form: RegExp | 'path'
  /** The wishes that it supports besides `overwrite`. */
  readonly wishes: readonly RestoreWish[]
  /** Names of files that are restored as this kind although no kind was recorded. */
  readonly claims?: RegExp
  /** Whether it restores files that no kind claims, such as dumps made elsewhere. */
  readonly takesOthers: boolean
  /** Reads a target, without opening anything. Throws `USAGE`. */
  readTarget(text: string): Promise<Target>
  /**
   * Decides how to restore; changes nothing. Throws what is known to prevent the restore before the first
   * byte is fetched: `USAGE`, `CONFIGURATION`, `DISK_FULL`, `UNREACHABLE`.
   */
  plan(
    target: Target,
    backup: RecordedBackup,
    of: {
      wishes: RestoreWishes
      /** Files and folders of this program that must not be replaced. */
      keep: readonly string[]
      signal: AbortSignal
    },
  ): Promise<PlannedRestore>
  /**
   * For a kind whose backups come back in part: as `plan`, for some members. Their bytes are those that `run`
   * of the plan opens: the chosen members and their contents, in the order of their offsets.
   */
  planPart?(
    target: Target,
    backup: RecordedBackup,
    of: {
      selection: MemberSelection
      wishes: RestoreWishes
      keep: readonly string[]
      signal: AbortSignal
    },
  ): Promise<PlannedRestore>
  /** For a kind with named targets: whether a restore could be made there now. A problem is a warning. */
  check?(target: Target, signal: AbortSignal): Promise<Finding>
  /** For a kind with named targets: as `hideSource` of a connector. */
  hideTarget?(target: Target, name: string): Promise<(error: unknown) => unknown>
}

/** Where a restore goes. Only its own connector looks into it. */
export interface RestoreTarget {
  readonly kind: string
}

/**
 * What may be restored although it reaches out of the directory:
 * - `outside-links`: symbolic links that lead out are made
 * - `no-outside-links`: they are left out
 * - `devices`: they are made
 */
export type OutsideAllowance = 'outside-links' | 'no-outside-links' | 'devices'

/** The part of a database that is to be restored into one that exists. Names are written as in SQL. */
export interface DatabasePart {
  /** Each with its schema: `sales.customer`, `public."Order"`. */
  tables: readonly string[]
  /** Another name for the only one of them, with its schema. */
  as?: string | undefined
  schemas: readonly string[]
  /** Without rows, or rows alone for tables that exist. */
  only?: 'definitions' | 'rows' | undefined
  /** Foreign keys of what is restored are left out. */
  skipForeignKeys: boolean
}

/** Who owns what is restored of a database, and who has rights on it. Names of roles without quotes. */
export interface OwnerWishes {
  /** All belongs to the role that restores. */
  noOwner: boolean
  /** Without GRANT and REVOKE. */
  noAcl: boolean
  /** The role that restores; by default the user of the target. */
  role?: string | undefined
  /** Roles of the backup, and those that stand in for them. */
  mapRoles: ReadonlyArray<{ from: string; to: string }>
}

export interface RestoreWishes {
  overwrite: boolean
  /** Keep the replaced database under another name. */
  keepOld: boolean
  createRoles: boolean
  /** Restore globals that give more rights than an ordinary role has: superusers, tablespaces, and so on. */
  trustGlobals: boolean
  /** Undefined for all of it. */
  databasePart?: DatabasePart | undefined
  /** Undefined: as in the backup. */
  owners?: OwnerWishes | undefined
  allow: readonly OutsideAllowance[]
}

export type RestoreWish = Exclude<keyof RestoreWishes, 'overwrite'>

/** The plain bytes of a backup; they end without an error only when the last part was verified. */
export type OpenBytes = (signal: AbortSignal) => AsyncIterable<Buffer>

export interface PlannedRestore {
  /** For people and the record, without secrets. */
  readonly target: string
  /** What will happen, in the order to read it. Each face words it. */
  readonly steps: readonly RestoreStep[]
  /**
   * Restores, once. The target stays as it is until the last byte was verified. Returns facts for programs.
   * Throws what the bytes throw, and why the target failed.
   */
  run(open: OpenBytes): Promise<Record<string, unknown>>
}

export type RestoreStep =
  /**
   * `new`: it does not exist · `empty`: taken over · `staging`: replaced at the end · `existing`: a part is
   * added to what it holds.
   */
  | { does: 'write'; into: 'new' | 'empty' | 'staging' | 'existing'; name: string }
  /** What of the backup is restored, for people. */
  | { does: 'select'; what: string }
  /** `holds` says for people what is replaced. */
  /** A part: the files are moved into a directory that exists; `replaces` of them are there already. */
  | { does: 'move in'; name: string; replaces: number }
  | { does: 'replace'; name: string; holds: string[]; sizeBytes: number; sessions: number; isKept: boolean }
  | { does: 'make roles'; roles: string[] }
  /**
   * Adds what a cluster has besides its databases. `roles` and `tablespaces`: those that the server lacks;
   * `kept`: how many roles are there, and stay as they are; `rights`: what gives more rights than an ordinary
   * role has.
   */
  | { does: 'add globals'; roles: string[]; kept: number; tablespaces: string[]; rights: string[] }
  /** Owners and privileges of a database do not come back as they were. */
  | ({ does: 'treat owners' } & OwnerWishes)
  /** The dump runs with more rights than it needs. */
  | { does: 'run as'; role: string; rights: string }
  | { does: 'treat links'; words: string }
  | { does: 'treat devices'; words: string }
  | { does: 'warn'; problem: string }
  /** A leftover of a killed restore, which is removed. */
  | { does: 'clear'; name: string }
  /** Stays: `earlier`, kept from before a restore · `foreign`, another user's. */
  | { does: 'leave'; name: string; why: 'earlier' | 'foreign' }
