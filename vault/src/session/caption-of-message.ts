import type { Backup } from '@telegram-backup/database'
import { type CaptionFacts, writeCaption } from 'telegram-deployment-bot'
import type { VaultSession } from '#session/session.ts'

/** What a message of the backup says in that chat, as its own run would have written it. */
export async function captionOf(
  { vault }: VaultSession,
  backup: Backup,
  { chatId, content, sha256 }: { chatId: string } & Pick<CaptionFacts, 'content' | 'sha256'>,
): Promise<string> {
  const { catalogId, generation } = await vault.identity()
  const { index } = await vault.knownChat(chatId)
  return writeCaption({
    project: backup.project_id,
    type: backup.type,
    createdAt: backup.created_at,
    backupId: backup.id,
    content,
    sha256,
    catalog: { id: catalogId, generation },
    indexMessageId: index?.messageId,
    caption: backup.caption ?? undefined,
  })
}
