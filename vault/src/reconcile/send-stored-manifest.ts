import { createHash } from 'node:crypto'
import type { Backup } from '@telegram-backup/database'
import { manifestFileName } from 'telegram-deployment-bot'
import { captionOf } from '#session/caption-of-message.ts'
import { repairSender } from '#session/repair-sender.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** S8 for a dead run: the sealed bytes lie in the catalog, so neither key nor source is needed. */
export async function sendStoredManifest(
  session: VaultSession,
  held: HeldBackup,
  { backup, manifest }: { backup: Backup; manifest: Buffer },
): Promise<void> {
  const chatId = String(backup.chat_id)
  await session.gates.enter(chatId)
  session.say(`sending the manifest of backup ${backup.id}`)
  const sha256 = createHash('sha256').update(manifest).digest('hex')
  const name = {
    project: backup.project_id,
    type: backup.type,
    createdAt: backup.created_at,
    id: backup.id,
    filename: String(backup.source?.['filename'] ?? backup.filename ?? ''),
  }
  await repairSender(session, held, chatId).send(
    {
      facts: {
        kind: 'manifest',
        partNumber: 0,
        fileName: manifestFileName(name, backup.encrypted !== false),
        sha256,
        sizeBytes: manifest.length,
      },
      caption: await captionOf(session, backup, { chatId, content: { kind: 'manifest' }, sha256 }),
      document: { bytes: manifest },
    },
    session.signal,
  )
}
