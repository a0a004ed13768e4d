import type { Writable } from 'node:stream'
import type { Member } from '@telegram-backup/archive'
import { addToAudit, type BackupDetails, type Database, markSound } from '@telegram-backup/database'
import { describeError, hint, run } from '@telegram-backup/errors'
import { planFetch } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import { BackupContents, type ContentsOptions, type ReadHooks } from '#restore/contents.ts'
import { writeFileBy, writeToFile, writeToStream } from '#restore/output-file.ts'
import type { ByteRange } from '#restore/read-ranges.ts'
import { noteDamage } from '#restore/restore-record.ts'
import { membersOf } from '#restore/restore-target.ts'

export interface FetchRequest {
  backup: BackupDetails
  /** Only this file of a directory backup, by its name in the archive or as `ls -b` prints it. */
  path?: string | undefined
  /** The path of a file, which appears when it is complete; or a stream, which stays open. */
  to: string | Writable
}

/** What was fetched; sizes are plain bytes. */
export interface Fetched {
  size: number
  /** How many parts were read for it. */
  parts: number
  /** The name in the archive, for one file of a directory backup. */
  path?: string
}

/**
 * Fetches a backup, or one file of it, and verifies every part. The catalog records damage that it finds, and
 * damage that is gone. Throws what {@link BackupContents} throws, and `USAGE` for a place that cannot be
 * written.
 */
export async function fetch(
  { backup, path, to }: FetchRequest,
  options: ContentsOptions & ReadHooks,
): Promise<Fetched> {
  if (path !== undefined) membersOf(backup)
  const contents = await BackupContents.open(backup, options)
  try {
    if (path === undefined) return await fetchWhole(contents, to, options)
    return await fetchMember(contents, path, to)
  } catch (error) {
    await recordDamage(backup, options, error)
    throw error
  }
}

/**
 * All members of a directory backup, in order. Throws `USAGE` for any other backup, and what fetching throws.
 */
export async function listMembers(
  backup: BackupDetails,
  options: ContentsOptions,
): Promise<AsyncIterable<Member>> {
  membersOf(backup)
  const contents = await BackupContents.open(backup, options)
  return noting(contents.members(), backup, options)
}

/** The plain bytes as a stream, or a range of them. */
export async function openBytes(
  backup: BackupDetails,
  options: ContentsOptions & { range?: ByteRange | undefined },
): Promise<AsyncIterable<Buffer>> {
  const { range } = options
  const contents = await BackupContents.open(backup, options)
  if (range !== undefined) return noting(contents.readRange(range), backup, options)
  return noting(contents.read(), backup, options, () => forgetDamage(backup, options))
}

/** One file of a directory backup; sizes are bytes. */
export interface OpenedFile {
  path: string
  size: number
  /** As it was recorded, hexadecimal; undefined if it was not. */
  sha256: string | undefined
  bytes: AsyncIterable<Buffer>
}

/**
 * One file of a directory backup as a stream, from the parts that hold it. Throws `USAGE` for a backup of
 * something else and for what is no file, `NOT_FOUND`, and what fetching throws.
 */
export async function openFile(
  backup: BackupDetails,
  name: string,
  options: ContentsOptions,
): Promise<OpenedFile> {
  membersOf(backup)
  const contents = await BackupContents.open(backup, options)
  const { path, size, sha256, bytes } = await contents.openMember(name)
  return { path, size, sha256, bytes: noting(bytes, backup, options) }
}

/**
 * Writes into the audit that somebody gets the plain bytes, or those of one file or range. To be called
 * before the first of them leaves.
 */
export async function noteFetch(
  { kysely, actor }: Database,
  { id: backupId }: Pick<BackupDetails, 'id'>,
  of: { path?: string | undefined; range?: ByteRange | undefined },
): Promise<void> {
  const { path = null, range } = of
  const details = { path, range: range === undefined ? null : { start: range.start, end: range.end } }
  await addToAudit(kysely, { actor, act: 'backup.fetch', backupId, details })
}

/**
 * What is known before anything is fetched. Throws `NOT_FOUND` for a backup that is not complete in the chat.
 */
export function describeContents(backup: BackupDetails): {
  size: number
  filename: string
  sha256: string | null
} {
  planFetch(backup)
  return { size: backup.size, filename: nameOf(backup), sha256: backup.plain_sha256 }
}

/** The name that the source gave, else the name in the chat. */
function nameOf({ source, filename, id }: BackupDetails): string {
  const given = source?.['filename']
  if (typeof given === 'string' && given !== '') return given
  return filename ?? id
}

async function fetchWhole(
  contents: BackupContents,
  to: string | Writable,
  options: ContentsOptions & ReadHooks,
): Promise<Fetched> {
  const { onPart, onBytes } = options
  options.onStart?.({ partCount: contents.partCount, plainBytes: contents.backup.size })
  const size =
    typeof to === 'string'
      ? await writeFileBy(fd => contents.writeInto(fd, { onPart, onBytes }), to)
      : await writeToStream(contents.read({ onPart, onBytes }), to)
  await forgetDamage(contents.backup, options)
  return { size, parts: contents.partCount }
}

async function fetchMember(contents: BackupContents, name: string, to: string | Writable): Promise<Fetched> {
  const { path, parts, bytes, stamp } = await contents.openMember(name)
  const size = typeof to === 'string' ? await writeToFile(bytes, to, stamp) : await writeToStream(bytes, to)
  return { size, parts, path }
}

type Noting = Pick<ContentsOptions, 'catalog' | 'note'>

async function* noting<Item>(
  items: AsyncIterable<Item>,
  backup: BackupDetails,
  options: Noting,
  onEnd?: () => Promise<void>,
): AsyncGenerator<Item> {
  try {
    yield* items
  } catch (error) {
    await recordDamage(backup, options, error)
    throw error
  }
  await onEnd?.()
}

async function recordDamage({ id }: BackupDetails, { catalog, note }: Noting, error: unknown): Promise<void> {
  if (describeError(error).code !== 'INTEGRITY') return
  await catalog()
    .then(database => noteDamage(database, id, error))
    .catch(() => note('warning: the damage could not be recorded in the catalog'))
}

/** Every byte was sound: damage that an earlier reading found is gone. The messages were not checked. */
async function forgetDamage(backup: BackupDetails, { catalog, note }: Noting): Promise<void> {
  if (backup.damaged_at === null) return
  const isSound = await catalog()
    .then((database: Database) => markSound(database, backup.id, 'file ids'))
    .catch(() => undefined)
  if (isSound === undefined) note('warning: the catalog still says that the backup is damaged')
  if (isSound === false) {
    note('all bytes are correct, but a verification found wrong messages: the backup still counts as damaged')
    note(String(hint`only "${run('verify', backup.id, { 'read-data': true })}" can change that`))
  }
}
