// 1. Open the catalog and bring it up to date.

export { CatalogError, type CatalogErrorCode } from '#catalog-error.ts'
export type { CatalogSchema } from '#catalog-schema.ts'
export { type Database, type OpenDatabaseOptions, openDatabase } from '#database.ts'
export { migrate } from '#migrate.ts'

// 2. Who works on a backup or a restore now.

export type { LeasePurpose } from '#leases/holder.ts'
export { acquireLease, type Lease } from '#leases/lease.ts'

// 3. The ledger of a send: the intent before each message, its confirmation, one commit mark at the end.

export {
  type Completion,
  completeBackup,
  completeSealed,
  type Seal,
  sealBackup,
  sealedManifest,
  unsealBackup,
} from '#backups/completion.ts'
export {
  type BackupIntent,
  failBackup,
  type OpenedBackup,
  openBackup,
  reopenBackup,
} from '#backups/ledger.ts'
export { learnFileId, listMessages, type MessageRow, markPart, notePart } from '#backups/messages.ts'
export type { PartKey } from '#backups/part-keys.ts'
export { confirmPart, intendPart, type PartConfirmation, type PartIntent } from '#backups/parts.ts'

// 4. What is known of a chat: its index, and the calls that may have made a message nobody knows.

export {
  type ChatRecord,
  chatMoved,
  chatRecord,
  currentChat,
  type IndexRecord,
  knownMessageIds,
  nameChat,
} from '#vault/chats.ts'
export {
  beginRecovery,
  type CatalogIdentity,
  catalogIdentity,
  endRecovery,
  takeOver,
} from '#vault/identity.ts'
export { drawIndex, type IndexDrawing, type IndexEntry } from '#vault/index-drawing.ts'
export {
  confirmIndex,
  forgetIndex,
  type IndexConfirmation,
  intendIndexEdition,
  withIndexLock,
} from '#vault/index-record.ts'
export {
  type BegunSend,
  beginCopy,
  beginIndex,
  closeSend,
  looked,
  type OpenSend,
  openSends,
} from '#vault/open-sends.ts'
export { forgetRemnant, keepRemnant, type Remnant, remnants } from '#vault/remnants.ts'

// 5. What crashes left behind, what goes, and what comes back from a chat.

export { finishErase, markErasing, mayErase, noteErasedElsewhere } from '#backups/erase.ts'
export {
  type ImportedBackup,
  type ImportedMessage,
  type ImportOutcome,
  importBackup,
} from '#backups/imports.ts'
export { type UnevenMessage, unevenMessages } from '#vault/uneven-messages.ts'
export { type Attendance, isUnsettled, type LeaseFacts, type Unsettled, unsettled } from '#vault/unsettled.ts'

// 6. Backups as records, and what can be asked about them.

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
  RecoveredTrust,
  Restore,
  RestoreState,
  UpdateBackupInput,
} from '#jobs/types.backup.ts'

// 7. The way back: each restore, and what was found about a backup while it was read.

export { markDamaged, markSound } from '#backups/damage.ts'
export { beginRestore, finishRestore, type RestoreOutcome, settleRestore } from '#backups/restores.ts'
