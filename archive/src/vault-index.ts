import { ArchiveError } from '#archive-error.ts'
import { CheckedObject, ISO_TIME, SHA256_HEX, UUID } from '#checked-json.ts'
import type { Encryption } from '#encryption.ts'
import { type IndexedBucket, MAX_INDEXED_BUCKETS, readIndexedBucket } from '#index-buckets.ts'
import { type IndexedManifest, readIndexedMessage } from '#index-message.ts'
import {
  type IndexedRetention,
  type IndexedSchedule,
  MAX_PLANS,
  readIndexedRetention,
  readIndexedSchedule,
} from '#index-plans.ts'
import {
  canonicalJson,
  type DocumentUnlocking,
  openDocument,
  type Signer,
  sealDocument,
} from '#signed-document.ts'
import type { SigningKey } from '#signing.ts'

/** A catalog's content in the index of one chat. Equal catalogs give equal drawings. */
export interface IndexDrawing {
  /** UUID of the chat's catalog, and how often it was rebuilt from the chat. */
  catalogId: string
  generation: number
  /** Numeric, as text. */
  chatId: string
  /** Earlier ids of the chat, such as before it became a supergroup; each has its own index. Sorted. */
  movedFrom?: string[]
  /** Fingerprints of the signers of these backups, earlier ids included. Sorted. */
  signers: string[]
  /** Absent in an index of an earlier program, without schedules, policies and pins. */
  hasPlans?: true
  /** Sorted by id. Absent for none. */
  schedules?: IndexedSchedule[]
  /** Sorted by project and type. Absent for none. */
  retention?: IndexedRetention[]
  /** Records of drills and reviews in this chat, by their numbers. Absent for none. */
  evidence?: IndexedEvidence[]
  /** Sorted by id. Absent for none, and in an index of an earlier program. */
  buckets?: IndexedBucket[]
  /** Oldest first; within a millisecond by id. */
  backups: IndexEntry[]
}

/** The message of a record of evidence. */
export type IndexedEvidence = IndexedManifest & { id: string; number: number }

/** The pinned document that leads to all else. */
export interface VaultIndex extends IndexDrawing {
  format: 1
  /** Unique; also in the caption. */
  edition: string
  drawnAt: string
}

/** A live backup. Sizes in bytes, hashes SHA-256 in hex, times in ISO 8601. */
export interface IndexEntry {
  id: string
  project: string
  type: string
  /** Unique in the chat. */
  filename: string
  state: 'complete' | 'erasing'
  createdAt: string
  completedAt: string
  expiresAt: string
  plainSize: number
  plainSha256: string
  archiveSize: number
  partCount: number
  encrypted: boolean
  restoreCount: number
  /** Its source in the configuration at that time. */
  sourceName?: string
  /** Sorted. Absent for those of its manifest; empty once they were all taken away. */
  tags?: string[]
  /** The schedule that made it, and the scheduled time. */
  scheduleId?: string
  scheduledFor?: string
  /** A person chose `expiresAt`: no policy applies. */
  expiryGiven?: true
  /** Kept until a person unpins it. */
  pinnedAt?: string
  /** When all its bytes were last verified. */
  verifiedAt?: string
  damagedAt?: string
  /** Fingerprint of the key that signed the manifest. */
  signer?: string
  manifest: IndexedManifest
  /** Message ids in this chat, by part number. */
  partMessages: number[]
  /** Each event once, with its last time and its number. Sorted. */
  history: IndexedEvent[]
}

export interface IndexedEvent {
  event: string
  at: string
  /** From 1 to 1,000,000, the greatest that is written. */
  count: number
}

const MAX_BACKUPS = 100_000
const MAX_PARTS = 1_000_000
/** The most records of evidence that an index names; the newest ones. */
export const MAX_INDEXED_EVIDENCE = 10_000
const MAX_SIGNERS = 1_000
const MAX_MOVES = 100
const MAX_EVENTS = 1_000
/** The sum of many must fit into 32 bits. */
const MAX_COUNT = 1_000_000
const CHAT_ID = /^-?\d{1,20}$/

/** JSON for comparing drawings: equal ones have equal bytes. */
export function indexContent(drawing: IndexDrawing): string {
  const { catalogId, generation, chatId, movedFrom, signers, hasPlans, schedules, retention } = drawing
  const { evidence, buckets, backups } = drawing
  const moves = movedFrom && { movedFrom }
  const plans = {
    ...(hasPlans && { hasPlans }),
    ...(schedules && { schedules }),
    ...(retention && { retention }),
    ...(evidence && { evidence }),
    ...(buckets && { buckets }),
  }
  return canonicalJson({ catalogId, generation, chatId, ...moves, signers, ...plans, backups })
}

/**
 * Canonical JSON, signed, compressed, encrypted.
 * @throws ArchiveError `NO_KEY`; `CONFIGURATION` when the index contradicts itself
 */
export async function sealIndex(
  index: VaultIndex,
  options: { encryption: Encryption; signingKey: SigningKey },
): Promise<Buffer> {
  const text = canonicalJson(index)
  try {
    readIndex(JSON.parse(text))
  } catch (cause) {
    throw new ArchiveError('The index contradicts itself', { code: 'CONFIGURATION', cause })
  }
  return sealDocument('index', text, options)
}

/**
 * Opens the file of an index, and checks its signature; the caller judges the signer by its fingerprint.
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`, `INTEGRITY`
 */
export async function openIndex(
  bytes: Uint8Array,
  options: DocumentUnlocking,
): Promise<{ index: VaultIndex } & Signer> {
  const { json, ...signed } = await openDocument('index', bytes, options)
  try {
    return { index: readIndex(json), ...signed }
  } catch (cause) {
    throw new ArchiveError('The index contradicts itself', { code: 'INTEGRITY', cause })
  }
}

function readIndex(json: unknown): VaultIndex {
  const fields = new CheckedObject(json)
  if (fields.integer('format') !== 1) throw new TypeError('another format than 1')
  return {
    format: 1,
    edition: fields.text('edition', 64),
    drawnAt: fields.matching('drawnAt', ISO_TIME),
    catalogId: fields.matching('catalogId', UUID),
    generation: fields.integer('generation', 1),
    chatId: fields.matching('chatId', CHAT_ID),
    ...(fields.has('movedFrom') && {
      movedFrom: fields.array('movedFrom', { least: 1, most: MAX_MOVES }).map(chatIdOf),
    }),
    signers: fields.array('signers', { least: 0, most: MAX_SIGNERS }).map(text256),
    ...(fields.has('hasPlans') && fields.boolean('hasPlans') && { hasPlans: true }),
    ...(fields.has('schedules') && {
      schedules: fields.array('schedules', { least: 1, most: MAX_PLANS }).map(readIndexedSchedule),
    }),
    ...(fields.has('retention') && {
      retention: fields.array('retention', { least: 1, most: MAX_PLANS }).map(readIndexedRetention),
    }),
    ...(fields.has('evidence') && {
      evidence: fields
        .array('evidence', { least: 0, most: MAX_INDEXED_EVIDENCE })
        .map(one => readIndexedEvidence(new CheckedObject(one))),
    }),
    ...(fields.has('buckets') && {
      buckets: fields.array('buckets', { least: 1, most: MAX_INDEXED_BUCKETS }).map(readIndexedBucket),
    }),
    backups: fields
      .array('backups', { least: 0, most: MAX_BACKUPS })
      .map(entry => readEntry(new CheckedObject(entry))),
  }
}

function readEntry(entry: CheckedObject): IndexEntry {
  const state = entry.text('state')
  if (state !== 'complete' && state !== 'erasing') throw new TypeError('an unknown state')
  return {
    id: entry.matching('id', UUID),
    project: entry.text('project', 64),
    type: entry.text('type', 64),
    filename: entry.text('filename'),
    state,
    createdAt: entry.matching('createdAt', ISO_TIME),
    completedAt: entry.matching('completedAt', ISO_TIME),
    expiresAt: entry.matching('expiresAt', ISO_TIME),
    plainSize: entry.integer('plainSize'),
    plainSha256: entry.matching('plainSha256', SHA256_HEX),
    archiveSize: entry.integer('archiveSize', 1),
    partCount: entry.integer('partCount', 1),
    encrypted: entry.boolean('encrypted'),
    restoreCount: entry.integer('restoreCount'),
    ...(entry.has('sourceName') && { sourceName: entry.storable('sourceName', 256) }),
    ...(entry.has('tags') && { tags: entry.tags('tags') }),
    ...(entry.has('scheduleId') && { scheduleId: entry.matching('scheduleId', UUID) }),
    ...(entry.has('scheduledFor') && { scheduledFor: entry.time('scheduledFor') }),
    ...(entry.has('expiryGiven') && entry.boolean('expiryGiven') && { expiryGiven: true }),
    ...(entry.has('pinnedAt') && { pinnedAt: entry.time('pinnedAt') }),
    ...(entry.has('verifiedAt') && { verifiedAt: entry.time('verifiedAt') }),
    ...(entry.has('damagedAt') && { damagedAt: entry.matching('damagedAt', ISO_TIME) }),
    ...(entry.has('signer') && { signer: entry.text('signer', 256) }),
    manifest: readIndexedMessage(entry.object('manifest')),
    partMessages: entry.array('partMessages', { least: 1, most: MAX_PARTS }).map(messageId),
    history: entry
      .array('history', { least: 0, most: MAX_EVENTS })
      .map(event => readEvent(new CheckedObject(event))),
  }
}

function readIndexedEvidence(fields: CheckedObject): IndexedEvidence {
  return {
    id: fields.matching('id', UUID),
    number: fields.integer('number', 1),
    ...readIndexedMessage(fields),
  }
}

function readEvent(fields: CheckedObject): IndexedEvent {
  const event = fields.text('event')
  const at = fields.time('at')
  const count = fields.integer('count', 1)
  // Databases refuse a zero character.
  if (event.includes('\0') || !event.isWellFormed() || count > MAX_COUNT)
    throw new TypeError('an event that is none')
  return { event, at, count }
}

function messageId(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  throw new TypeError('a message id that is none')
}

function chatIdOf(value: unknown): string {
  if (typeof value === 'string' && CHAT_ID.test(value)) return value
  throw new TypeError('a chat id that is none')
}

function text256(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= 256) return value
  throw new TypeError('a signer that is none')
}
