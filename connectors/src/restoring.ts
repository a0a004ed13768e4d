import type { Finding } from '#finding.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** Restores backups of one kind. */
export interface RestoreConnector<Target extends RestoreTarget = RestoreTarget> {
  /** What it makes. */
  readonly makes: 'database' | 'directory'
  /** What stands for a target in a command: `URL`. */
  readonly shown: string
  /** A text of this form is such a target. `path`: what has no other form. One kind has that. */
  readonly form: RegExp | 'path'
  /** The wishes that it knows beside `overwrite`. */
  readonly wishes: readonly RestoreWish[]
  /** Files that nobody has recorded a kind of, and that are restored as this kind; by their name. */
  readonly claims?: RegExp
  /** Whether it takes any file that no kind claims: a dump that was made elsewhere. */
  readonly takesOthers: boolean
  /** Reads a target. Opens nothing. Throws `USAGE`. */
  readTarget(text: string): Promise<Target>
  /**
   * Looks at the target and decides how to restore; changes nothing. What is known to stand against the restore is thrown
   * here, before the first byte is fetched: `USAGE`, `CONFIGURATION`, `DISK_FULL`, `UNREACHABLE`.
   */
  plan(
    target: Target,
    backup: RecordedBackup,
    of: {
      wishes: RestoreWishes
      /** Files and folders of this program, which must not go with what is replaced. */
      keep: readonly string[]
      signal: AbortSignal
    },
  ): Promise<PlannedRestore>
  /** For a kind with named targets: whether it could be restored there now. What is wrong is a warning. */
  check?(target: Target, signal: AbortSignal): Promise<Finding>
  /** For a kind with named targets: puts the name of the target in place of hosts and users in an error. */
  hideTarget?(target: Target, name: string): Promise<(error: unknown) => unknown>
}

/** Where a restore goes. Each kind has a type of its own; only its own connector looks into it. */
export interface RestoreTarget {
  readonly kind: string
}

/**
 * What does not stand against a restore although it reaches out of the directory; for trees of one's own:
 * - `outside-links`: symbolic links that lead out come back as they are
 * - `no-outside-links`: they are left out
 * - `devices`: they come back
 */
export type OutsideAllowance = 'outside-links' | 'no-outside-links' | 'devices'

/** What the caller of a restore may decide. */
export interface RestoreWishes {
  /** Replace a target that is not empty. */
  overwrite: boolean
  /** Keep the replaced database under another name. */
  keepOld: boolean
  /** Make roles that the server lacks. */
  createRoles: boolean
  allow: readonly OutsideAllowance[]
}

/** A wish that not every kind knows. */
export type RestoreWish = Exclude<keyof RestoreWishes, 'overwrite'>

/** Opens the plain bytes of a backup; the iteration ends without an error only when the last part was verified. */
export type OpenBytes = (signal: AbortSignal) => AsyncIterable<Buffer>

/** A restore that has been looked at and not begun. */
export interface PlannedRestore {
  /** For people, and for the record; without secrets. */
  readonly target: string
  /** What will happen, in the order in which a person should read it. Each face has its own words for it. */
  readonly steps: readonly RestoreStep[]
  /**
   * Restores, once; until the last byte was verified the target stays as it is. Returns facts for programs. Throws what the
   * bytes throw, and what the target failed of.
   */
  run(open: OpenBytes): Promise<Record<string, unknown>>
}

/** One thing that a restore does, or that a person should know of it. */
export type RestoreStep =
  /** `new`: nothing is there · `empty`: takes its place · `staging`: what is there is replaced afterwards. */
  | { does: 'write'; into: 'new' | 'empty' | 'staging'; name: string }
  /** `holds` names what goes, for people. */
  | { does: 'replace'; name: string; holds: string[]; sizeBytes: number; sessions: number; isKept: boolean }
  | { does: 'make roles'; roles: string[] }
  /** What is in the backup runs with more rights than it takes. */
  | { does: 'run as'; role: string; rights: string }
  | { does: 'treat links'; words: string }
  | { does: 'treat devices'; words: string }
  | { does: 'warn'; problem: string }
  /** Left by a restore that was killed. */
  | { does: 'clear'; name: string }
  /** Stays: `earlier`, from before a restore · `foreign`, of somebody else. */
  | { does: 'leave'; name: string; why: 'earlier' | 'foreign' }
