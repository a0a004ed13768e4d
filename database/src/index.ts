// The front door, by topic. `export *`: all of that module is for callers.

// 1. Open the catalog and bring it up to date.

export { CatalogError, type CatalogErrorCode } from '#catalog-error.ts'
export { closeQueueSchema, makeQueueSchema, rolesWithRights } from '#catalog-owners.ts'
export type { CatalogSchema } from '#catalog-schema.ts'
export { type Database, type OpenDatabaseOptions, openDatabase } from '#database.ts'
export { migrate } from '#migrate.ts'
export { inSnapshot } from '#snapshot.ts'

// One process at a time, on this machine.

export { tryMutex } from '#embedded/mutex.ts'

// A temporary PostgreSQL server or folder, for drills.

export { isEmbeddedServerRunning } from '#embedded/running-server.ts'
export * from '#embedded/scratch-server.ts'

// 2. Leases: which process works on a backup or a restore.

export type { LeasePurpose } from '#leases/holder.ts'
export { acquireLease, type Lease } from '#leases/lease.ts'
export type { LockWait } from '#leases/lock-wait.ts'

// 3. The ledger of a send: the intent before each message, its confirmation, one commit mark at the end.

export * from '#backups/completion.ts'
export * from '#backups/encrypted-backups.ts'
export {
  type BackupIntent,
  failBackup,
  giveUpResuming,
  type OpenedBackup,
  openBackup,
  reopenBackup,
} from '#backups/ledger.ts'
export * from '#backups/messages.ts'
export { type PartKey, partKeyOf } from '#backups/part-keys.ts'
export { confirmPart, intendPart, type PartConfirmation, type PartIntent } from '#backups/parts.ts'

// 4. Chats: their index, and calls that may have made an unknown message.

export {
  type ChatRecord,
  chatMoved,
  chatRecord,
  currentChat,
  type IndexRecord,
  knownMessageIds,
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
export { type RecentMessage, recentMessages } from '#chats/recent-messages.ts'
export * from '#vault/identity.ts'
export * from '#vault/index-record.ts'
export { type IndexRow, type IndexRows, indexRows } from '#vault/index-rows.ts'

// 5. Unfinished work, erasing, and recovery from a chat.

export * from '#backups/erase.ts'
export { type ImportOutcome, importBackup } from '#backups/imports.ts'
export type { ImportedBackup, ImportedMessage } from '#backups/imports-types.ts'
export { type UnevenMessage, unevenMessages } from '#vault/uneven-messages.ts'
export * from '#vault/unfinished-work.ts'

// 6. Backups as records, and queries.

export { type BackupTimes, listBackupTimes, listLateBeginnings } from '#backups/backup-times.ts'
export { getBackupDetails } from '#backups/details.ts'
export { deleteExpiredBackups, markExpired } from '#backups/expiry.ts'
export * from '#backups/find.ts'
export { type BackupGroup, findGroup, type GroupPlace } from '#backups/groups.ts'
export * from '#backups/queries.ts'
export {
  createBackup,
  deleteBackup,
  getBackupById,
  updateBackup,
} from '#backups/records.ts'
export { getBackupStats } from '#backups/statistics.ts'
export { changeTags } from '#backups/tags.ts'
export { checkedTags } from '#input-checks.ts'
export { listHistory } from '#jobs/backup-history.ts'
export type * from '#jobs/types.backup.ts'

// 7. Restores, verifications, damage.

export { markDamaged, markSound } from '#backups/damage.ts'
export { type MeasuredDrill, measuredDrills } from '#backups/measured-drills.ts'
export { beginRestore, failAbandonedRestore, finishRestore, type RestoreOutcome } from '#backups/restores.ts'
export * from '#backups/verification-pages.ts'
export * from '#backups/verifications.ts'
export { type SampledBucket, type SampledPacks, sampleBuckets } from '#queue/bucket-sampling.ts'
export {
  type SampledBackup,
  type SampledLately,
  type SampledPick,
  sampleBackups,
} from '#queue/sampling.ts'

// Evidence of drills: signed records in a chain.

export * from '#evidence/chain.ts'
export * from '#evidence/imports.ts'
export * from '#evidence/messages.ts'
export * from '#evidence/queries.ts'

// 8. Jobs, schedules and retention.

export { pinBackup } from '#backups/pins.ts'
export { catalogClock } from '#clock.ts'
export * from '#jobs/types.job.ts'
export { type Asker, askerOfJob } from '#queue/askers.ts'
export { type DrillDecision, planDrill } from '#queue/drill-plans.ts'
export type { SourcePlace } from '#queue/drill-wishes.ts'
export { beginHookRun, endHookRun, type HookRun } from '#queue/hook-runs.ts'
export * from '#queue/job-log.ts'
export * from '#queue/job-recovery.ts'
export {
  cancelJob,
  createJob,
  type DeliverJob,
  getJob,
  type JobFilter,
  lastSourceJobs,
  listJobs,
  type SourceJobs,
} from '#queue/job-requests.ts'
export * from '#queue/job-runs.ts'
export {
  type DeclaringService,
  declaringServices,
  noteService,
  type ServedNames,
  type ServicePage,
  servedNames,
  servicePages,
  unservedJobs,
} from '#queue/services.ts'
export { noteSourceCheck, sourceChecks } from '#queue/source-checks.ts'
export type * from '#queue/types.service.ts'
export { createExpiryJobWhenDue } from '#schedules/expiry-jobs.ts'
export * from '#schedules/retention-notices.ts'
export {
  listRetentionPolicies,
  type RetentionPolicy,
  retentionPolicyTimes,
  setRetentionPolicy,
} from '#schedules/retention-policies.ts'
export { enabledSchedules, retimeSchedule } from '#schedules/schedule-times.ts'
export * from '#schedules/schedules.ts'
export * from '#schedules/source-policies.ts'
export { type SqlRunner, sqlRunner } from '#sql-runner.ts'

// 9. Keys of the HTTP API.

export {
  createApiKey,
  findApiKey,
  getApiKey,
  listApiKeys,
  pageApiKeys,
  revokeApiKey,
} from '#keys/api-keys.ts'
export { API_SCOPES, type ApiKey, type ApiScope } from '#keys/types.key.ts'

// People, their sessions and one-time links.

export { keepChallenge, useChallenge } from '#people/challenges.ts'
export { goodSecretHashes } from '#people/good-secrets.ts'
export { type IdentityClaims, type IdentityVerdict, signInByIdentity } from '#people/identities.ts'
export * from '#people/passkeys.ts'
export {
  addPerson,
  changePerson,
  getPerson,
  nameKey,
  type PersonChange,
  pagePeople,
  type Rights,
  removePerson,
} from '#people/people.ts'
export { pruneSessions, revokeSession, revokeSessionsOf } from '#people/session-ends.ts'
export {
  findSession,
  getSession,
  knownPlaces,
  type ListedSession,
  pageSessions,
  renewFactor,
} from '#people/sessions.ts'
export * from '#people/sign-ins.ts'
export * from '#people/types.person.ts'

// 10. The audit: who did what.

export { actorName } from '#audit/actors.ts'
export * from '#audit/audit.ts'
export * from '#audit/types.audit.ts'

// 11. Monitoring: facts about sources and the queue, alerts, notices.

export {
  type AlertFilter,
  getAlert,
  listAlerts,
  muteAlert,
  openAlerts,
  pruneEndedAlerts,
} from '#monitoring/alerts.ts'
export { type OpenJobs, openJobs } from '#monitoring/job-facts.ts'
export * from '#monitoring/notices.ts'
export { type MemberProof, type ProofFacts, proofFacts } from '#monitoring/proof-facts.ts'
export { type QueueFacts, queueFacts } from '#monitoring/queue-facts.ts'
export { type LastComplete, type SourceFacts, sourceFacts } from '#monitoring/source-facts.ts'
export type { Alert, Notice, NoticeChannel, RecordedAlert } from '#monitoring/types.alert.ts'
export { type DrillUnit, drillUnits } from '#queue/drill-units.ts'

// 12. What has changed, in the order of commits.

export { readChanges } from '#events/changes.ts'
export type * from '#events/types.event.ts'

// 13. Buckets, their objects, and the packs that hold them.

export { type BucketFacts, bucketFacts } from '#objects/buckets/bucket-facts.ts'
export { type BucketHealth, bucketHealth } from '#objects/buckets/bucket-health.ts'
export type { ObjectLease } from '#objects/buckets/bucket-writes.ts'
export {
  type BucketSettings,
  bucketById,
  bucketByName,
  changeBucket,
  checkBucketName,
  createBucket,
  listBuckets,
  removeBucket,
} from '#objects/buckets/buckets.ts'
export * from '#objects/buckets/door-keys.ts'
export { noteSnapshot, settleNewestSnapshot } from '#objects/buckets/newest-snapshot.ts'
export * from '#objects/buckets/work.ts'
export * from '#objects/checkpoints/checkpoint-snapshot.ts'
export * from '#objects/checkpoints/checkpoints.ts'
export * from '#objects/checkpoints/index-buckets.ts'
export { importBucket, importCheckpoint, importPacks } from '#objects/imports/imports.ts'
export { importObjects, replayPack } from '#objects/imports/replay.ts'
export { settleKnownVersions } from '#objects/imports/settle-known.ts'
export type * from '#objects/imports/types.import.ts'
export * from '#objects/packs/garbage.ts'
export type { IntendedObject } from '#objects/packs/intended-objects.ts'
export { type PackAges, packAges } from '#objects/packs/pack-ages.ts'
export * from '#objects/packs/pack-copies.ts'
export {
  type HeldPack,
  type HeldPackMessage,
  heldPacks,
  longestUnreadPacks,
  lostObjects,
  notePackDamaged,
  type PackPiece,
  piecesOf,
} from '#objects/packs/pack-health.ts'
export { abandonPack, confirmPack, type PackConfirmation } from '#objects/packs/pack-outcomes.ts'
export {
  findPack,
  findPacks,
  packMessages,
  packsLackingCopy,
  unfinishedPacks,
} from '#objects/packs/pack-queries.ts'
export * from '#objects/packs/packs.ts'
export type * from '#objects/types.object.ts'
export * from '#objects/versions/deletions.ts'
export { checkKey } from '#objects/versions/object-keys.ts'
export * from '#objects/versions/objects.ts'
export { takenKeys } from '#objects/versions/taken-keys.ts'
export * from '#objects/versions/undelete.ts'
export * from '#objects/versions/uploads.ts'
