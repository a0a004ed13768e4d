import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { checkCount, checkText, checkUuid } from '#input-checks.ts'
import type { BackupPart, PartKind } from '#jobs/types.backup.ts'

/** Names one message of a backup. The manifest has part number 0. */
export interface PartKey {
  backupId: string
  chatId: string
  kind: PartKind
  partNumber: number
}

type KeyColumns = Pick<BackupPart, 'chat_id' | 'part_no'> & { kind: PartKind }

/**
 * The key of the message that a row describes. Rows spell their fields as the columns do (`part_no`,
 * `chat_id`), keys as the code does (`partNumber`, `chatId`); code that holds a row and needs a key crosses
 * from one to the other here.
 */
export function partKeyOf(backupId: string, row: KeyColumns): PartKey {
  return { backupId, chatId: row.chat_id, kind: row.kind, partNumber: row.part_no }
}

export function keyColumnsOf({
  backupId,
  chatId,
  kind,
  partNumber,
}: PartKey): KeyColumns & { backup_id: string } {
  return { backup_id: backupId, chat_id: chatId, kind, part_no: partNumber }
}

/** Why a message could not be changed: CatalogError NOT_FOUND or CONFLICT. */
export async function whyNot(
  kysely: Kysely<CatalogSchema>,
  part: PartKey,
  what: string,
): Promise<CatalogError> {
  const row = await kysely
    .selectFrom('backup_parts')
    .select(['state', 'message_id'])
    .where(thisPart(part))
    .executeTakeFirst()
  if (!row)
    return new CatalogError(`${describePart(part)} of backup ${part.backupId} was never intended`, {
      code: 'NOT_FOUND',
    })
  return new CatalogError(`${describePart(part)} ${what}: it is ${row.state} (message ${row.message_id})`, {
    code: 'CONFLICT',
  })
}

export function thisPart(
  part: PartKey,
): (eb: ExpressionBuilder<CatalogSchema, 'backup_parts'>) => Expression<SqlBool> {
  return eb => eb.and(keyColumnsOf(part))
}

export function describePart(part: PartKey): string {
  return part.kind === 'manifest' ? 'The manifest' : `Part ${part.partNumber}`
}

/** CatalogError INVALID unless it can be the name of a message. */
export function checkPartKey(part: PartKey): void {
  checkUuid('backup id', part.backupId)
  checkText('chat id', part.chatId)
  if (part.kind === 'part') checkCount('part number', part.partNumber, 1)
  else if (part.kind !== 'manifest' || part.partNumber !== 0) {
    throw new CatalogError('Not a valid part number', {
      code: 'INVALID',
      hint: 'Parts count from 1; the manifest has number 0.',
    })
  }
}
