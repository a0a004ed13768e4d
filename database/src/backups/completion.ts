import { sql, type Transaction } from 'kysely'
import { lockWhileSending } from '#backups/ledger.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { Backup, JsonObject } from '#jobs/types.backup.ts'
import { endingLease } from '#leases/lease.ts'
import { dropLease, guardWrite } from '#leases/lease-rows.ts'

/** What the chat has to hold when a backup is complete. Sizes are bytes, hashes SHA-256 in hex. */
export interface Completion {
  backupId: string
  size: number
  archiveSize: number
  plainSha256: string
  archiveSha256: string
  partCount: number
  source?: JsonObject | undefined
}

/** All that is known of a backup whose parts are proven. */
export interface Seal extends Completion {
  /** Fingerprint of the key that signed the manifest. */
  signer?: string | undefined
  /** The document, ready to be sent. */
  manifest: Uint8Array
  leaseToken?: string | undefined
}

/**
 * Stores the facts of the manifest and the document itself before it is sent: from here on any process can
 * finish the backup. May be repeated. CatalogError CONFLICT when the backup is not being sent, LEASE_LOST.
 */
export async function sealBackup(database: Database, seal: Seal): Promise<void> {
  const { backupId, manifest } = seal
  checkCompletion(seal)
  if (seal.signer !== undefined) checkText('signer', seal.signer)
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, backupId, seal.leaseToken)
    await lockWhileSending(trx, backupId)
    await trx
      .updateTable('backups')
      .set({ ...columnsOf(seal), signer: seal.signer ?? null })
      .where('id', '=', backupId)
      .execute()
    const document = Buffer.from(manifest.buffer, manifest.byteOffset, manifest.byteLength)
    await trx
      .insertInto('sealed_manifests')
      .values({ backup_id: backupId, document })
      .onConflict(conflict => conflict.column('backup_id').doUpdateSet({ document, sealed_at: sql`now()` }))
      .execute()
  })
}

/**
 * Removes the seal before the messages of a failed run are erased: from here on no process finishes the
 * backup. CatalogError CONFLICT when it is not being sent, NOT_FOUND, LEASE_LOST.
 */
export async function unsealBackup(
  database: Database,
  of: { backupId: string; leaseToken?: string | undefined },
): Promise<void> {
  const { backupId, leaseToken } = of
  checkUuid('backup id', backupId)
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, backupId, leaseToken)
    await lockWhileSending(trx, backupId)
    await trx.deleteFrom('sealed_manifests').where('backup_id', '=', backupId).execute()
  })
}

/** The manifest of a sealed backup that is not complete yet; null for any other. */
export async function sealedManifest(database: Database, backupId: string): Promise<Buffer | null> {
  checkUuid('backup id', backupId)
  const sealed = await database.kysely
    .selectFrom('sealed_manifests')
    .select('document')
    .where('backup_id', '=', backupId)
    .executeTakeFirst()
  return sealed?.document ?? null
}

/**
 * The commit mark. One transaction checks that parts 1 to n and the manifest are proven in the backup's chat
 * and that their sizes add up, makes the backup complete, and ends its lease. The seal supplies what the
 * caller leaves out. CatalogError CONFLICT when something is missing or the backup is not being sent,
 * NOT_FOUND, LEASE_LOST.
 */
export async function completeBackup(
  database: Database,
  completion: { backupId: string; leaseToken?: string | undefined } & Partial<Completion>,
): Promise<Backup> {
  const { backupId, leaseToken } = completion
  checkUuid('backup id', backupId)
  return await endingLease(leaseToken, () =>
    inTransaction(database.kysely, async trx => {
      await guardWrite(trx, backupId, leaseToken, { ending: true })
      const { chat_id, ...row } = await lockWhileSending(trx, backupId)
      const whole = { ...sealOf(backupId, row), ...given(completion) }
      if (!isWhole(whole)) throw incomplete('it has not been sealed')
      checkCompletion(whole)
      const fileId = await proveParts(trx, whole, chat_id ?? '')
      const backup = await trx
        .updateTable('backups')
        .set({
          ...columnsOf(whole),
          state: 'complete',
          file_id: fileId,
          error: null,
          resumable: false,
          completed_at: sql<Date>`now()`,
        })
        .where('id', '=', backupId)
        .returningAll()
        .executeTakeFirstOrThrow()
      await trx.deleteFrom('sealed_manifests').where('backup_id', '=', backupId).execute()
      await addToHistory(trx, { backupId, event: 'complete', actor: database.actor })
      if (leaseToken !== undefined) await dropLease(trx, backupId, leaseToken)
      return backup
    }),
  )
}

function checkCompletion(completion: Completion): void {
  checkUuid('backup id', completion.backupId)
  checkCount('size', completion.size)
  checkCount('archiveSize', completion.archiveSize)
  checkCount('partCount', completion.partCount, 1)
}

function columnsOf(completion: Completion) {
  return {
    size: completion.size,
    archive_size: completion.archiveSize,
    plain_sha256: completion.plainSha256,
    archive_sha256: completion.archiveSha256,
    part_count: completion.partCount,
    ...(completion.source && { source: JSON.stringify(completion.source) }),
  }
}

type SealedColumns = Pick<Backup, 'size' | 'archive_size' | 'plain_sha256' | 'archive_sha256' | 'part_count'>

function sealOf(backupId: string, row: SealedColumns): Partial<Completion> & { backupId: string } {
  return {
    backupId,
    // The size of a backup without a seal is not known either.
    ...(row.archive_size !== null && { size: row.size, archiveSize: row.archive_size }),
    ...(row.plain_sha256 !== null && { plainSha256: row.plain_sha256 }),
    ...(row.archive_sha256 !== null && { archiveSha256: row.archive_sha256 }),
    ...(row.part_count !== null && { partCount: row.part_count }),
  }
}

function given(completion: Partial<Completion>): Partial<Completion> {
  return Object.fromEntries(Object.entries(completion).filter(([, value]) => value !== undefined))
}

function isWhole(completion: Partial<Completion> & { backupId: string }): completion is Completion {
  const { size, archiveSize, plainSha256, archiveSha256, partCount } = completion
  return ![size, archiveSize, plainSha256, archiveSha256, partCount].includes(undefined)
}

function incomplete(reason: string): CatalogError {
  return new CatalogError(`The backup is not complete: ${reason}`, { code: 'CONFLICT' })
}

/** Returns the file id of the first part. */
async function proveParts(
  trx: Transaction<CatalogSchema>,
  completion: Completion,
  chatId: string,
): Promise<string> {
  const messages = await trx
    .selectFrom('backup_parts')
    .selectAll()
    .where('backup_id', '=', completion.backupId)
    .where('chat_id', '=', chatId)
    .orderBy('part_no')
    .forUpdate()
    .execute()
  const unproven = messages.find(({ state }) => state !== 'sent')
  if (unproven) throw incomplete(`${unproven.kind} ${unproven.part_no} is ${unproven.state}`)
  const parts = messages.filter(({ kind }) => kind === 'part')
  if (parts.length === messages.length) throw incomplete('its manifest was not sent')
  if (parts.length !== completion.partCount)
    throw incomplete(`${parts.length} parts of ${completion.partCount} were sent`)
  const gap = parts.findIndex(({ part_no }, index) => part_no !== index + 1)
  if (gap >= 0) throw incomplete(`part ${gap + 1} was not sent`)
  const archiveSize = parts.reduce((sum, { size }) => sum + size, 0)
  if (archiveSize !== completion.archiveSize) {
    throw incomplete(`its parts have ${archiveSize} bytes, not ${completion.archiveSize}`)
  }
  let plainEnd = 0
  for (const { part_no, plain_offset, plain_size } of parts) {
    if (plain_offset === null || plain_size === null) continue
    if (plain_offset !== plainEnd)
      throw incomplete(`part ${part_no} begins at plain byte ${plain_offset}, not ${plainEnd}`)
    plainEnd += plain_size
  }
  const measured = parts.every(({ plain_offset, plain_size }) => plain_offset !== null && plain_size !== null)
  if (measured && plainEnd !== completion.size)
    throw incomplete(`its parts hold ${plainEnd} plain bytes, not ${completion.size}`)
  const first = parts[0]?.file_id
  if (!first) throw incomplete('part 1 has no file id')
  return first
}
