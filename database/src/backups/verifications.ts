import { sql } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { CatalogError } from '#catalog-error.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { appendEvidenceIn, type SignRecord } from '#evidence/chain.ts'
import { checkUuid, storable, storableJson } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { JsonObject, Verification, VerificationKind, VerificationState } from '#jobs/types.backup.ts'
import { guardWrite } from '#leases/lease-rows.ts'

/**
 * Records that a verification begins, and returns its id. The caller holds the lease of the backup, so an
 * earlier one that still counts as running was interrupted and becomes `failed`. CatalogError LEASE_LOST.
 */
export async function beginVerification(
  database: Database,
  of: { backupId: string; kind: VerificationKind; leaseToken: string; jobId?: string | undefined },
): Promise<string> {
  checkUuid('backup id', of.backupId)
  return await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, of.backupId, of.leaseToken)
    await trx
      .updateTable('verifications')
      .set({ state: 'failed', error: 'It was interrupted', finished_at: sql<Date>`clock_timestamp()` })
      .where('backup_id', '=', of.backupId)
      .where('state', '=', 'running')
      .execute()
    const { id } = await trx
      .insertInto('verifications')
      .values({ backup_id: of.backupId, kind: of.kind, job_id: of.jobId ?? null, actor: database.actor })
      .returning('id')
      .executeTakeFirstOrThrow()
    const details = { kind: of.kind, verification_id: id, job_id: of.jobId ?? null }
    await addToAudit(trx, { actor: database.actor, act: 'backup.verify', backupId: of.backupId, details })
    return id
  })
}

/**
 * Records how a verification ended, also in the backup's history; a sound one of kind `data` sets
 * `verified_at`. CatalogError CONFLICT when it is unknown or has ended.
 */
export async function finishVerification(
  database: Database,
  of: {
    verificationId: string
    state: Exclude<VerificationState, 'running'>
    parts: number
    bytes: number
    findings: readonly JsonObject[]
    error?: string | undefined
    /** Of that error. */
    code?: string | undefined
    /** Of a drill that restored the backup. */
    depth?: Verification['depth'] | undefined
    report?: JsonObject | undefined
    /** Signs the record of a drill, which is written in the same transaction. */
    signEvidence?: SignRecord | undefined
  },
): Promise<void> {
  checkUuid('verification id', of.verificationId)
  await inTransaction(database.kysely, async trx => {
    const row = await trx
      .updateTable('verifications')
      .set({
        state: of.state,
        parts: of.parts,
        bytes: of.bytes,
        findings: storableJson(of.findings),
        error: of.error === undefined ? null : storable(of.error),
        code: of.code ?? null,
        depth: of.depth ?? null,
        report: of.report === undefined ? null : storableJson(of.report),
        finished_at: sql<Date>`clock_timestamp()`,
      })
      .where('id', '=', of.verificationId)
      .where('state', '=', 'running')
      .returning(['backup_id', 'kind'])
      .executeTakeFirst()
    if (row === undefined)
      throw new CatalogError('This verification has ended, or never began', { code: 'CONFLICT' })
    await addToHistory(trx, {
      backupId: row.backup_id,
      event: of.state === 'failed' ? 'verification failed' : 'verified',
      actor: database.actor,
      details: { kind: row.kind, state: of.state, findings: of.findings.length },
    })
    if (of.state === 'sound' && row.kind === 'data') {
      await trx
        .updateTable('backups')
        .set({ verified_at: sql<Date>`clock_timestamp()` })
        .where('id', '=', row.backup_id)
        .execute()
    }
    // Last, because of its lock.
    if (of.signEvidence) await appendEvidenceIn(trx, of.signEvidence)
  })
}

/** Verifications of a backup, newest first; all of them, or at most so many. */
export async function listVerifications(
  database: Database,
  backupId: string,
  { limit }: { limit?: number | undefined } = {},
): Promise<Verification[]> {
  checkUuid('backup id', backupId)
  let query = database.kysely
    .selectFrom('verifications')
    .selectAll()
    .where('backup_id', '=', backupId)
    .orderBy('started_at', 'desc')
    .orderBy('id')
  if (limit !== undefined) query = query.limit(limit)
  return await query.execute()
}

/**
 * By id of a backup, what the last drill found that restored it and had a record to compare with: the same,
 * or differences.
 */
export async function drillVerdicts({
  kysely,
}: Pick<Database, 'kysely'>): Promise<ReadonlyMap<string, 'proven' | 'differs'>> {
  const { rows } = await sql<{ backup_id: string; state: VerificationState }>`
    select distinct on (backup_id) backup_id, state from control_plane.verifications
     where kind = 'drill' and depth <> 'restored' and state in ('sound', 'failed')
     order by backup_id, started_at desc
  `.execute(kysely)
  return new Map(rows.map(({ backup_id, state }) => [backup_id, state === 'sound' ? 'proven' : 'differs']))
}
