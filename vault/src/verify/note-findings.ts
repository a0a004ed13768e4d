import { type Backup, type MessageRow, markDamaged, markPart, partKeyOf } from '@telegram-backup/database'
import { assertMayGoOn, type HeldBackup, type VaultSession } from '#session/session.ts'
import type { Finding, Findings } from '#verify/verification-report.ts'

/** Records the findings: for messages of each chat, and for the backup if the chat is its own. */
export async function noteFindings(
  session: VaultSession,
  { backupId, lease }: HeldBackup,
  { backup, rows, findings }: { backup: Backup; rows: readonly MessageRow[]; findings: Findings },
): Promise<void> {
  const { database } = session
  for (const finding of findings.list) {
    assertMayGoOn(session, lease)
    const { kind, reason } = finding
    const row = rows.find(one => isAbout(finding, one))
    const state = finding.finding === 'missing' ? 'missing' : 'damaged'
    // Wrong contents are wrong in both chats, and a copy would be no better.
    const isOfMessage = row !== undefined && kind !== 'backup' && finding.finding !== 'contents'
    if (isOfMessage && row.state !== 'erased' && (row.state !== state || row.error !== reason)) {
      const mark = { state, error: reason, leaseToken: lease.token } as const
      await markPart(database, { ...partKeyOf(backupId, row), ...mark })
    }
    if (finding.chat_id !== backup.chat_id && finding.finding !== 'contents') continue
    const partNumber = kind === 'part' ? finding.part_no : undefined
    await markDamaged(database, { backupId, error: reason, partNumber })
  }
}

/** Whether a finding is about that message. */
export function isAbout(finding: Finding, row: MessageRow): boolean {
  return finding.chat_id === row.chat_id && finding.kind === row.kind && finding.part_no === row.part_no
}
