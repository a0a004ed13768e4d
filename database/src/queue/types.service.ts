import type { BackupType } from '#jobs/types.backup.ts'

/** A source as a configuration file names it: what others may know of it, never a place or a secret. */
export type DeclaredSource = {
  name: string
  /** Null while the file has something there that cannot be read. */
  project_id: string | null
  type: BackupType | null
  /** As in the record of a backup: `postgres`, `directory`, … */
  kind: string | null
  /** Whether backups can be made of it, as far as its settings show. */
  is_usable: boolean
  /** The file's own limit, or its limit for all sources; milliseconds. Null: by its schedule. */
  no_backup_for_ms: number | null
  /** A drill has to prove it within so many milliseconds; null: no drills by themselves. */
  drill_within_ms: number | null
  /** What its backups record to be compared in drills; null where nothing is, or nobody says. */
  proof: 'off' | 'count' | 'fast' | 'sha256' | null
}

export type DeclaredTarget = {
  name: string
  /** Null for a target of unbound keys alone, and while it cannot be read. */
  project_id: string | null
  kind: string | null
}

/** All that a configuration file declares. */
export interface DeclaredPlaces {
  sources: readonly DeclaredSource[]
  targets: readonly DeclaredTarget[]
}

/** The last check of a source. */
export interface SourceCheck {
  source: string
  project_id: string
  state: 'ok' | 'warning' | 'failed'
  /** For people; both may name servers. */
  message: string
  hint: string | null
  actor: string
  checked_at: Date
}
