// 1. Open the catalog and bring it up to date.

export { CatalogError, type CatalogErrorCode } from '#catalog-error.ts'
export { closeQueueSchema, makeQueueSchema, rolesWithRights } from '#catalog-owners.ts'
export type { CatalogSchema } from '#catalog-schema.ts'
export { type Database, type OpenDatabaseOptions, openDatabase } from '#database.ts'
export { migrate } from '#migrate.ts'

// A PostgreSQL server, or a folder, that is thrown away after a restore was tried in it.

export {
  describeScratchServer,
  makeScratchFolder,
  type ScratchFolder,
  type ScratchServer,
  startScratchServer,
} from '#embedded/scratch-server.ts'

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
export {
  learnFileId,
  listMessages,
  type MessageRow,
  manifestBelow,
  markPart,
  markPartSound,
  notePart,
} from '#backups/messages.ts'
export { type PartKey, partKeyOf } from '#backups/part-keys.ts'
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
} from '#chats/chats.ts'
export {
  dueLeftovers,
  forgetLeftover,
  keepLeftover,
  keepUnsure,
  type LeftoverMessage,
  putOffLeftover,
} from '#chats/leftover-messages.ts'
export {
  type BegunSend,
  beginCopy,
  beginIndex,
  closeSend,
  looked,
  type OpenSend,
  openSends,
} from '#chats/open-sends.ts'
export {
  beginRecovery,
  type CatalogIdentity,
  catalogIdentity,
  endRecovery,
  takeOver,
} from '#vault/identity.ts'
export {
  confirmIndex,
  forgetIndex,
  type IndexConfirmation,
  intendIndexEdition,
  withIndexLock,
} from '#vault/index-record.ts'
export { type IndexRow, type IndexRows, indexRows } from '#vault/index-rows.ts'

// 5. What crashes left behind, what goes, and what comes back from a chat.

export {
  assertErasable,
  beginErasing,
  finishErase,
  hasBegunErasing,
  markErasing,
  mayErase,
  noteErasedElsewhere,
} from '#backups/erase.ts'
export { type ImportOutcome, importBackup } from '#backups/imports.ts'
export type { ImportedBackup, ImportedMessage } from '#backups/imports-types.ts'
export { type UnevenMessage, unevenMessages } from '#vault/uneven-messages.ts'
export {
  type Attendance,
  hasUnfinishedWork,
  type LeaseFacts,
  type UnfinishedWork,
  unfinishedWork,
} from '#vault/unfinished-work.ts'

// 6. Backups as records, and what can be asked about them.

export { type BackupTimes, listBackupTimes, listLateBeginnings } from '#backups/backup-times.ts'
export { getBackupDetails } from '#backups/details.ts'
export { deleteExpiredBackups, markExpired } from '#backups/expiry.ts'
export {
  type BackupFilter,
  type BackupPage,
  type BackupPageFilter,
  pageBackups,
  queryBackups,
  queryByProject,
  queryByTypeAndDateRange,
} from '#backups/queries.ts'
export {
  createBackup,
  deleteBackup,
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
  BackupOrigin,
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
  Verification,
  VerificationKind,
  VerificationState,
} from '#jobs/types.backup.ts'

// 7. The way back: each restore, and what was found about a backup while it was read.

export { markDamaged, markSound } from '#backups/damage.ts'
export { beginRestore, failAbandonedRestore, finishRestore, type RestoreOutcome } from '#backups/restores.ts'
export {
  beginVerification,
  finishVerification,
  listVerifications,
} from '#backups/verifications.ts'
export {
  type SampledBackup,
  type SampledLately,
  type SampledPick,
  sampleBackups,
} from '#queue/sampling.ts'

// 8. What is to be done: jobs, the schedules that make them, and what is kept.

export { pinBackup } from '#backups/pins.ts'
export { catalogClock } from '#clock.ts'
export {
  type CatchUp,
  JOB_KINDS,
  JOB_STATES,
  type Job,
  type JobAsker,
  type JobError,
  type JobKind,
  type JobProgress,
  type JobState,
  type KeepPolicy,
  type NewJob,
  type Schedule,
} from '#jobs/types.job.ts'
export {
  type DueWork,
  dueWork,
  failWaitingJob,
  overdueJobs,
  type Recovery,
  recoverJob,
  redeliverJob,
} from '#queue/job-recovery.ts'
export {
  cancelJob,
  createJob,
  type DeliverJob,
  getJob,
  type JobFilter,
  listJobs,
} from '#queue/job-requests.ts'
export {
  abandonedJobs,
  type BegunJob,
  beginJob,
  finishJob,
  noteProgress,
  pruneJobs,
  putBackJob,
} from '#queue/job-runs.ts'
export { noteService, type ServedNames, servedNames, unservedJobs } from '#queue/services.ts'
export { createExpiryJobWhenDue } from '#schedules/expiry-jobs.ts'
export {
  listRetentionNotices,
  type RetentionNotice,
  rememberRetentionNotices,
} from '#schedules/retention-notices.ts'
export {
  listRetentionPolicies,
  type RetentionPolicy,
  retentionPolicyTimes,
  setRetentionPolicy,
} from '#schedules/retention-policies.ts'
export { enabledSchedules, retimeSchedule } from '#schedules/schedule-times.ts'
export {
  createSchedule,
  type FiringDecision,
  fireDueSchedules,
  getSchedule,
  lastJobsOf,
  listSchedules,
  type NewSchedule,
  removeSchedule,
  type ScheduleChange,
  updateSchedule,
} from '#schedules/schedules.ts'
export {
  addSourcePolicy,
  listSourcePolicies,
  removeSourcePolicies,
  type SourcePolicy,
} from '#schedules/source-policies.ts'
export { type SqlRunner, sqlRunner } from '#sql-runner.ts'

// 9. Who may ask.

export {
  createApiKey,
  findApiKey,
  goodKeyHashes,
  keyThatAsked,
  listApiKeys,
  revokeApiKey,
} from '#keys/api-keys.ts'
export { API_SCOPES, type ApiKey, type ApiScope } from '#keys/types.key.ts'

// 10. For those who watch: facts about sources and the queue, and what is wrong now.

export { openAlerts } from '#monitoring/alerts.ts'
export { type OpenJobs, openJobs } from '#monitoring/job-facts.ts'
export {
  announce,
  claimNotice,
  closeNotice,
  type FoundCondition,
  giveUpNotices,
  noteConditions,
  postponeNotice,
} from '#monitoring/notices.ts'
export { type QueueFacts, queueFacts } from '#monitoring/queue-facts.ts'
export { type LastComplete, type SourceFacts, sourceFacts } from '#monitoring/source-facts.ts'
export type { Alert, Notice, NoticeChannel } from '#monitoring/types.alert.ts'
