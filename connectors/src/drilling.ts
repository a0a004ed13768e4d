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
  /** For a kind with tables: those of the record, if there is one. */
  recordedTables?(backup: RecordedBackup): RecordedTables | undefined
}

/** The largest tables with their rows, null where they were not counted, and how many tables there are. */
export interface RecordedTables {
  named: readonly { table: string; rows: number | null }[]
  total: number
}

export interface DrillPlace<Target extends RestoreTarget = RestoreTarget> {
  /** The server for the temporary database; undefined for a temporary server. */
  on: Target | undefined
  /** Make missing roles on the server, and drop them afterwards. */
  createRoles: boolean
  /** On a temporary server: run the dump as its superuser. */
  trustDump: boolean
  scratch: Scratch
  /** Asked only when the place will not do: targets that may, for a hint. */
  targets?: (() => Promise<ReadonlyArray<NamedTarget<Target>>>) | undefined
  signal: AbortSignal
}

/** A target by its name in telegram-backup.yaml. */
export interface NamedTarget<Target extends RestoreTarget = RestoreTarget> {
  name: string
  target: Target
}

export interface Drill<Target extends RestoreTarget = RestoreTarget> extends DrillPlace<Target> {
  /** May be called several times. */
  open: OpenBytes
  /** Called once all is restored, before the comparison begins. */
  onRestored?: (() => void) | undefined
  /** Called before each table is compared. */
  onCompare?: ((progress: CompareProgress) => void) | undefined
  /** The members that the send has recorded, if it has. */
  members: () => Promise<Iterable<Member> | undefined>
}

export interface CompareProgress {
  done: number
  of: number
  /** `schema.table`, which is compared next. */
  object: string
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

/**
 * What a drill has shown, from least to most. restored: the restore succeeded · counts: numbers of rows and
 * objects as at the source · dump: every row as in the dump · contents: every row as at the source, in the
 * snapshot of the dump; of a directory, every byte of each file.
 */
export type DrillDepth = 'restored' | 'counts' | 'dump' | 'contents'

/**
 * How the contents compare. equal in part: what was compared is equal, and something was not covered. not
 * compared: there is no record of the contents; `compared` has what was counted all the same.
 */
export type ContentsResult = 'equal' | 'equal in part' | 'different' | 'not compared'

export type Compared = {
  contents: ContentsResult
  /** Of a database: the tables that were compared, and their rows. */
  tables?: number
  rows?: number
  /** Of a directory. */
  members?: number
  /** Of the globals of a cluster. */
  roles?: number
}

/** What the comparison left out. `table` may also be large objects, a member, or another kind of object. */
export type NotCovered = {
  table: string
  /** For people, without secrets. */
  reason: string
}

export type Drilled = {
  /** For people, without secrets. */
  where: string
  /** Of the PostgreSQL server that it was restored on, such as `17.2`. */
  server_version?: string
  depth: DrillDepth
  compared: Compared
  not_covered: NotCovered[]
  differences: Difference[]
  notes: string[]
}

export type Difference = {
  /** `schema.table`, a kind of objects, or a path. */
  object: string
  kind: DifferenceKind
  /** Rows of a table or bytes of a file: fewer, more, or as many with other contents. */
  change?: 'missing' | 'fewer' | 'more' | 'changed'
  /** The sixteenths of a table, 0 to 15, in which rows differ. */
  buckets?: number[]
  expected: string
  found: string
  /** For people, with all of the above. */
  reason: string
}

export type DifferenceKind = 'table' | 'sequence' | 'objects' | 'index' | 'member'

export function difference(
  kind: DifferenceKind,
  object: string,
  expected: string,
  { found }: { found: string },
): Difference {
  const of = { table: 'table ', sequence: 'sequence ', objects: '', index: 'index ', member: '' }[kind]
  return {
    kind,
    object,
    expected,
    found,
    reason: `${of}${object}: ${expected} when it was backed up, ${found} restored`,
  }
}
