// The catalog: open it, bring it up to date, then ask.

export { getBackupDetails } from '#backups/details.ts'
// The ledger of a send: intent before act, one commit mark.
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
export {
  type BackupFilter,
  type BackupPage,
  queryBackups,
  queryByProject,
  queryByTypeAndDateRange,
} from '#backups/queries.ts'

// Backups as records.
export {
  createBackup,
  deleteBackup,
  deleteExpiredBackups,
  getBackupById,
  updateBackup,
} from '#backups/records.ts'
export { getBackupStats } from '#backups/statistics.ts'
export { CatalogError, type CatalogErrorCode } from '#catalog-error.ts'
export type { CatalogSchema } from '#catalog-schema.ts'
export { type Database, type OpenDatabaseOptions, openDatabase } from '#database.ts'
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
  UpdateBackupInput,
} from '#jobs/types.backup.ts'
export { migrate } from '#migrate.ts'
