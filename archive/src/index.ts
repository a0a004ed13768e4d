export { ArchiveError, type ArchiveErrorCode } from '#archive-error.ts'
export { copyBytes } from '#copy-bytes.ts'
export type { FinishedPart, Resumption } from '#earlier-parts.ts'
export type { Encryption } from '#encryption.ts'
export { base64Of, escapeName, shownBytes, shownName, unescapeName } from '#escaped-names.ts'
export {
  type EvidenceContents,
  MAX_RECORDS,
  openEvidence,
  readEvidence,
  readEvidenceContents,
  type SignedEvidence,
  sealEvidence,
  signEvidence,
  signEvidenceContents,
} from '#evidence.ts'
export type {
  DrillEvidence,
  EvidenceDifference,
  EvidencePlace,
  EvidenceRecord,
  EvidenceTable,
  ReviewEvidence,
} from '#evidence-record.ts'
export { assertRecipient, generateIdentity, readIdentityFile, recipientOf } from '#identities.ts'
export {
  type IndexedBucket,
  type IndexedCheckpoint,
  type IndexedCheckpointPart,
  type IndexedPack,
  MAX_INDEXED_BUCKETS,
  MAX_INDEXED_PACKS,
} from '#index-buckets.ts'
export type { IndexedManifest } from '#index-message.ts'
export {
  type IndexedKeep,
  type IndexedRetention,
  type IndexedSchedule,
  MAX_PLANS,
} from '#index-plans.ts'
export { type Manifest, type ManifestPart, openManifest, sealManifest } from '#manifest.ts'
export type { MemberAttributes } from '#member-attributes.ts'
export {
  type Member,
  type MemberIndex,
  MemberIndexWriter,
  type MemberKind,
  readMemberIndex,
} from '#member-index.ts'
export { memberPathBytes, memberPathOf } from '#member-path.ts'
export { PackThread } from '#pack-thread.ts'
export { readCheckpoint, type UnsealedPart, writeCheckpoint } from '#packs/checkpoint.ts'
export { type ExpectedPack, type OpenPackOptions, openPack, openProvenPack } from '#packs/open-pack.ts'
export type { OpenedPack } from '#packs/opened-pack.ts'
export {
  PackBuilder,
  type PackBuilderOptions,
  type PackIdentity,
  type SealedPack,
} from '#packs/pack-builder.ts'
export type {
  CheckpointCover,
  CheckpointedObject,
  CheckpointedPack,
  CheckpointLine,
  CheckpointPart,
  DeleteRecord,
  FragmentRecord,
  NamedPack,
  PackedBucket,
  PackedExtent,
  PackHeader,
  PackRecord,
  PutRecord,
} from '#packs/pack-header.ts'
export { PACK_LIMITS } from '#packs/pack-limits.ts'
export { PackMemory } from '#packs/pack-memory.ts'
export type { PackWork } from '#packs/pack-work.ts'
export type { BackupIdentity, PartHeader } from '#part-header.ts'
export type { ExpectedPart, ReceivedPart } from '#part-opener.ts'
export { DEFAULT_PART_SIZE_BYTES, MAX_PART_SIZE_BYTES, MIN_PART_SIZE_BYTES } from '#part-planner.ts'
export {
  type ArchiveReader,
  type ReadArchiveIntoOptions,
  type ReadArchiveOptions,
  readArchive,
  readArchiveInto,
} from '#read-archive.ts'
export type { DocumentUnlocking, Signer } from '#signed-document.ts'
export { loadOrCreateSigningKey, type SigningKey, signerFingerprint } from '#signing.ts'
export { prepareSigningRotation, type SigningRotation } from '#signing-rotation.ts'
export type { ArchiveSource, Hole, PlainWatch, Watcher } from '#source.ts'
export type { RestoredSummary } from '#unpacking.ts'
export {
  type IndexDrawing,
  type IndexEntry,
  type IndexedEvent,
  type IndexedEvidence,
  indexContent,
  MAX_INDEXED_EVIDENCE,
  openIndex,
  sealIndex,
  type VaultIndex,
} from '#vault-index.ts'
export { type ArchiveSummary, type ArchiveWriter, type SealedPart, writeArchive } from '#write-archive.ts'
