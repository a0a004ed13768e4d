import {
  type Backup,
  beginRecovery,
  type Database,
  getBackupById,
  importBackup,
  markDamaged,
  type RecoveredTrust,
} from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'
import { describeError } from '@telegram-backup/errors'
import { noteGoneMessage } from '#fetch/gone-message.ts'
import type { FoundBackup } from '#recover/found-backup.ts'
import { adoptCatalog, type Owner } from '#recover/ownership.ts'
import type { RecoveredBackup, RefusedManifest } from '#recover/recovery-report.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'

/** The outcome for a found backup or manifest: the catalog holds it, or it was refused. */
export type Outcome = { backup: RecoveredBackup } | { refused: RefusedManifest }

export function backupsOf(recorded: readonly Outcome[]): RecoveredBackup[] {
  return recorded.flatMap(one => ('backup' in one ? [one.backup] : []))
}

export function refusedOf(recorded: readonly Outcome[]): RefusedManifest[] {
  return recorded.flatMap(one => ('refused' in one ? [one.refused] : []))
}

/**
 * Takes a backup into the catalog. An empty catalog becomes that of `owner` first.
 * @param owner of the chat; undefined when unknown
 */
export async function recordFound(
  { database, documents }: RecoveryTools,
  found: FoundBackup,
  owner: Owner | undefined,
): Promise<Outcome> {
  if (owner) await adoptCatalog(database, owner)
  const believed = { signersAreNamed: documents.signers.areGiven }
  try {
    return { backup: await recordBackup(database, found, believed) }
  } catch (error) {
    const { code, message } = describeError(error)
    if (code !== 'INVALID') throw error
    const { messages, id: backupId } = found
    const { messageId = 0 } = messages.find(({ kind }) => kind === 'manifest') ?? messages[0] ?? {}
    return { refused: { messageId, backupId, reason: `has values that no catalog can hold: ${message}` } }
  }
}

/**
 * The first backup marks the catalog as recovering. The answer is what the catalog holds: it may know better.
 */
async function recordBackup(
  database: Database,
  { findings, ...found }: FoundBackup,
  believed: { signersAreNamed: boolean },
): Promise<RecoveredBackup> {
  await beginRecovery(database)
  const isDamaged = found.state === 'complete' && findings.length > 0
  const outcome = await importBackup(database, {
    ...found,
    trust: trustOf(found, believed),
    damagedAt: found.damagedAt ?? (isDamaged ? new Date() : undefined),
  })
  const held = await getBackupById(database, found.id)
  const wasKnown = outcome === 'known' || outcome === 'merged'
  const isBusy = wasKnown && isDamaged && !(await noteMissing(database, found, { findings, held }))
  return {
    id: found.id,
    project: found.projectId,
    type: found.type,
    state: held?.state ?? found.state,
    createdAt: found.createdAt.toISOString(),
    size: held === null || held.plain_sha256 === null ? null : held.size,
    parts: found.messages.filter(({ kind }) => kind === 'part').length,
    outcome,
    isDamaged: isDamaged || isHeldDamaged(held),
    missing: missingWords({ source: held?.source ?? found.source ?? null }) ?? null,
    findings: isDamaged ? [...findings, ...(isBusy ? [BUSY] : [])] : [],
  }
}

/** Only a signed document has the hash of the plain bytes. */
function trustOf(
  { plainSha256 }: Pick<FoundBackup, 'plainSha256'>,
  { signersAreNamed }: { signersAreNamed: boolean },
): RecoveredTrust {
  if (plainSha256 === undefined) return 0
  return signersAreNamed ? 2 : 1
}

const BUSY = 'another process works on it, so this was not recorded; run recover again'

/**
 * Marks messages that the catalog has as sound and the chat lacks, so that reconcile can repair them. A loss
 * in a second chat does not damage the backup. False while another process works on it, which finds out as
 * well.
 */
async function noteMissing(
  database: Database,
  found: Omit<FoundBackup, 'findings'>,
  { findings, held }: { findings: readonly string[]; held: Backup | null },
): Promise<boolean> {
  try {
    for (const { chatId, kind, partNumber, messageId, state } of found.messages) {
      if (state !== 'missing') continue
      await noteGoneMessage(database, { backupId: found.id, chatId, kind, partNumber, messageId, state })
    }
  } catch (error) {
    if (describeError(error).code === 'CONFLICT') return false
    throw error
  }
  if (held?.chat_id === found.chatId)
    await markDamaged(database, { backupId: found.id, error: findings.join('; ') })
  return true
}

/** A backup to which the chat adds nothing. */
export function knownBackup(held: Backup, parts: number): RecoveredBackup {
  return {
    id: held.id,
    project: held.project_id,
    type: held.type,
    state: held.state,
    createdAt: held.created_at.toISOString(),
    size: held.plain_sha256 === null ? null : held.size,
    parts,
    outcome: 'known',
    isDamaged: isHeldDamaged(held),
    missing: missingWords(held) ?? null,
    findings: [],
  }
}

function isHeldDamaged(held: Backup | null): boolean {
  return held?.state === 'complete' && held.damaged_at !== null
}
