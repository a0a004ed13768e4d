// 1. Open the catalog and bring it up to date.

export { CatalogError, type CatalogErrorCode } from '#catalog-error.ts'
export type { CatalogSchema } from '#catalog-schema.ts'
export { type Database, type OpenDatabaseOptions, openDatabase } from '#database.ts'
export { migrate } from '#migrate.ts'

// 2. The ledger of a send: the intent before each message, its confirmation, one commit mark at the end.

export {
  type BackupIntent,
  type Completion,
  completeBackup,
  failBackup,
  openBackup,
} from '#backups/ledger.ts'
export {
  confirmPart,
  intendPart,
  markPart,
  type PartConfirmation,
  type PartIntent,
  type PartKey,
} from '#backups/parts.ts'

// 3. Backups as records, and what can be asked about them.

export { getBackupDetails } from '#backups/details.ts'
export {
  type BackupFilter,
  type BackupPage,
  queryBackups,
  queryByProject,
  queryByTypeAndDateRange,
} from '#backups/queries.ts'
export {
  createBackup,
  deleteBackup,
  deleteExpiredBackups,
  findBackupId,
  getBackupById,
  updateBackup,
} from '#backups/records.ts'
export { getBackupStats } from '#backups/statistics.ts'
export { listHistory } from '#jobs/backup-history.ts'
export type {
  Backup,
  BackupDetails,
  BackupHistoryEntry,
  BackupPart,
  BackupState,
  BackupStats,
  BackupType,
  CreateBackupInput,
  JsonObject,
  PartKind,
  PartState,
  Restore,
  RestoreState,
  UpdateBackupInput,
} from '#jobs/types.backup.ts'

// 4. The way back: each restore, and what was found about a backup while it was read.

export { markDamaged, markSound } from '#backups/damage.ts'
export { beginRestore, finishRestore, type RestoreOutcome } from '#backups/restores.ts'
