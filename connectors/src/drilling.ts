import type { Member } from '@telegram-backup/archive'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OpenBytes, RestoreTarget } from '#restoring.ts'

/** Restores a backup into a place that is made for it and goes again, and compares what came of it with the record. */
export interface DrillConnector<Target extends RestoreTarget = RestoreTarget> {
  /**
   * Whether a backup can be drilled there, as far as that is known before its bytes are read: programs, room, the server
   * with its version and rights. Leaves nothing. Throws what the drill would.
   */
  check(backup: RecordedBackup, place: DrillPlace<Target>): Promise<void>
  /** Throws what a restore throws. What differs is no error. */
  run(backup: RecordedBackup, drill: Drill<Target>): Promise<Drilled>
  /** For a kind that is drilled on a server: whether it can be done on that one at all. */
  checkServer?(target: Target, signal: AbortSignal): Promise<void>
  /** Whether the first bytes of a file, 4 KiB at most, are what this kind writes. */
  recognizes?(head: Buffer): boolean
}

/** Where a drill is made. */
export interface DrillPlace<Target extends RestoreTarget = RestoreTarget> {
  /** A server on which a database is made and dropped; undefined: a place of its own. */
  on: Target | undefined
  /** Make roles that the server lacks, and drop them again. */
  createRoles: boolean
  /** On a server of its own: run what is in the dump as its superuser. */
  trustDump: boolean
  scratch: Scratch
  signal: AbortSignal
}

/** A drill of one backup. */
export interface Drill<Target extends RestoreTarget = RestoreTarget> extends DrillPlace<Target> {
  /** May be called several times. */
  open: OpenBytes
  /** What lies where in the bytes, as the send has recorded it; undefined where it has not. */
  members: () => Promise<Iterable<Member> | undefined>
}

/** Places that go again after `use`, whatever became of it. Throw `DISK_FULL`, `CONFIGURATION` and what `use` throws. */
export interface Scratch {
  /** A folder with room for so many bytes. `use` gets its path. */
  folder<Result>(sizeBytes: number, use: (path: string) => Promise<Result>): Promise<Result>
  /** A PostgreSQL server, for the time of `use`. Throws `POSTGRES` when it does not start. */
  postgres<Result>(
    place: { sizeBytes: number; signal: AbortSignal },
    use: (server: ScratchPostgres) => Promise<Result>,
  ): Promise<Result>
}

/** A PostgreSQL server that goes again. Nobody needs a password on its socket. */
export interface ScratchPostgres {
  /** The folder of its Unix socket. */
  readonly host: string
  readonly port: number
  readonly superuser: string
  /** Names of roles that somebody has to make first: one to restore, one to read what came of it. */
  readonly restorer: string
  readonly reader: string
  /** Whether the kernel keeps it from all but its own folder. */
  readonly isConfined: boolean
}

/** What a restore for a drill came to. */
export interface Drilled {
  /** For people, without secrets. */
  where: string
  /** What was compared with the record of the source; null: there is no record, and it was restored all the same. */
  compared: { tables: number; rows: number } | { members: number } | null
  differences: Difference[]
  /** What else a person should know. */
  notes: string[]
}

/** Something that is not as it was when the backup was made. */
export type Difference = {
  what: 'table' | 'sequence' | 'objects' | 'member'
  /** `schema.table`, a kind of objects, or a path. */
  name: string
  expected: string
  found: string
  /** For people, with all of the above. */
  reason: string
}

/** One difference, with its words. */
export function difference(
  what: Difference['what'],
  name: string,
  expected: string,
  { found }: { found: string },
): Difference {
  const of = { table: 'table ', sequence: 'sequence ', objects: '', member: '' }[what]
  return {
    what,
    name,
    expected,
    found,
    reason: `${of}${name}: ${expected} when it was backed up, ${found} restored`,
  }
}
