import type { Member } from '@telegram-backup/archive'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OpenBytes, RestoreTarget } from '#restoring.ts'

/** Restores a backup into a temporary place, and compares the result with the record. */
export interface DrillConnector<Target extends RestoreTarget = RestoreTarget> {
  /** Throws what a drill would: missing programs, room, rights, an old server. Leaves nothing. */
  check(backup: RecordedBackup, place: DrillPlace<Target>): Promise<void>
  /** Throws what a restore throws. What differs is no error. */
  run(backup: RecordedBackup, drill: Drill<Target>): Promise<Drilled>
  /** For a kind that is drilled on a server: throws if that server cannot be used at all. */
  checkServer?(target: Target, signal: AbortSignal): Promise<void>
  /** Whether a file with these first bytes, 4 KiB at most, is of this kind. */
  recognizes?(head: Buffer): boolean
}

export interface DrillPlace<Target extends RestoreTarget = RestoreTarget> {
  /** The server for the temporary database; undefined for a temporary server. */
  on: Target | undefined
  /** Make missing roles on the server, and drop them afterwards. */
  createRoles: boolean
  /** On a temporary server: run the dump as its superuser. */
  trustDump: boolean
  scratch: Scratch
  signal: AbortSignal
}

export interface Drill<Target extends RestoreTarget = RestoreTarget> extends DrillPlace<Target> {
  /** May be called several times. */
  open: OpenBytes
  /** The members that the send has recorded, if it has. */
  members: () => Promise<Iterable<Member> | undefined>
}

/** Temporary places, removed after `use`. Throw `DISK_FULL`, `CONFIGURATION` and what `use` throws. */
export interface Scratch {
  folder<Result>(sizeBytes: number, use: (path: string) => Promise<Result>): Promise<Result>
  /** Throws `POSTGRES` when the server does not start. */
  postgres<Result>(
    place: { sizeBytes: number; signal: AbortSignal },
    use: (server: ScratchPostgres) => Promise<Result>,
  ): Promise<Result>
}

/** A temporary PostgreSQL server. Nobody needs a password on its socket. */
export interface ScratchPostgres {
  /** The folder of its Unix socket. */
  readonly host: string
  readonly port: number
  readonly superuser: string
  /** Names of roles that the caller has to make: one restores, one reads the result. */
  readonly restorer: string
  readonly reader: string
  /** Whether the kernel confines it to its own folder. */
  readonly isConfined: boolean
}

export interface Drilled {
  /** For people, without secrets. */
  where: string
  /** What was compared; null: there is no record to compare with, and the restore succeeded. */
  compared: { tables: number; rows: number } | { members: number } | { roles: number } | null
  differences: Difference[]
  notes: string[]
}

export type Difference = {
  what: 'table' | 'sequence' | 'objects' | 'member'
  /** `schema.table`, a kind of objects, or a path. */
  name: string
  expected: string
  found: string
  /** For people, with all of the above. */
  reason: string
}

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
