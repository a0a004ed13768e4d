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
import { noteLostMessage } from '#fetch/lost-message.ts'
import type { FoundBackup } from '#recover/found-backup.ts'
import type { RecoveredBackup } from '#recover/recovery-report.ts'

/**
 * Takes a backup into the catalog, which from its first one on is one that is being recovered. What the catalog holds
 * then is in the answer: it may know better than the chat.
 */
export async function recordBackup(
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

/** Only what was signed tells the hash of the plain bytes. */
function trustOf(
  { plainSha256 }: Pick<FoundBackup, 'plainSha256'>,
  { signersAreNamed }: { signersAreNamed: boolean },
): RecoveredTrust {
  if (plainSha256 === undefined) return 0
  return signersAreNamed ? 2 : 1
}

const BUSY = 'somebody is at work on it, so this was not written down; run recover again'

/**
 * What the catalog holds for sound and is not: reconcile can mend it from another chat. Of a copy in a second chat nothing
 * damages the backup itself. False while somebody is at work on the backup, who finds out as well.
 */
async function noteMissing(
  database: Database,
  found: Omit<FoundBackup, 'findings'>,
  { findings, held }: { findings: readonly string[]; held: Backup | null },
): Promise<boolean> {
  try {
    for (const { chatId, kind, partNo, messageId, state } of found.messages) {
      if (state !== 'missing') continue
      await noteLostMessage(database, { backupId: found.id, chatId, kind, partNo, messageId, state })
    }
  } catch (error) {
    if (describeError(error).code === 'CONFLICT') return false
    throw error
  }
  if (held?.chat_id === found.chatId)
    await markDamaged(database, { backupId: found.id, error: findings.join('; ') })
  return true
}

/** Nothing more is to be learned of it. */
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
