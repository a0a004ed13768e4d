export type {
  Backup,
  BackupDetails,
  BackupPage,
  BackupState,
  BackupStats,
  CreateBackupInput,
  UpdateBackupInput,
} from '@telegram-backup/database'
export { BackupError, type BackupErrorDetails } from '@telegram-backup/errors'
export { type FetchPlan, planFetch } from '@telegram-backup/vault/fetch/fetch-plan.ts'
export { createCatalogVault } from '@telegram-backup/vault/ledger/catalog-vault.ts'
export type {
  IntegratedBackupDetails,
  IntegratedBackupResult,
  ReplicaDetails,
} from '@telegram-backup/vault/send/integrated-result.ts'
export {
  type BackupMetadata,
  type BackupSendResult,
  BackupType,
  type SendProgress,
} from 'telegram-deployment-bot'
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
