export type {
  Backup,
  BackupDetails,
  BackupPage,
  BackupState,
  BackupStats,
  CreateBackupInput,
  UpdateBackupInput,
} from '@telegram-backup/database'
export {
  type BackupMetadata,
  type BackupSendResult,
  BackupType,
  type SendProgress,
} from 'telegram-deployment-bot'
export { BackupError, type BackupErrorDetails } from '#lib/backups/backup-error.ts'
export {
  BackupTelegramIntegration,
  createBackupTelegramIntegration,
  type IBackupService,
  type IntegratedBackupOptions,
} from '#lib/backups/backup-telegram.integration.ts'
export {
  type BackupQuery,
  type CatalogOption,
  createBackup,
  deleteBackup,
  deleteExpiredBackups,
  getBackupById,
  getBackupDetails,
  getBackupStats,
  listBackups,
  queryByProject,
  queryByTypeAndDateRange,
  updateBackup,
} from '#lib/backups/backups.service.ts'
export { createCatalogVault } from '#lib/backups/catalog-vault.ts'
export { type FetchPlan, planFetch } from '#lib/backups/fetch-plan.ts'
export type {
  IntegratedBackupDetails,
  IntegratedBackupResult,
  ReplicaDetails,
} from '#lib/backups/integrated-result.ts'
