import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { checkCount, checkText, checkUuid } from '#input-checks.ts'
import type { PartKind } from '#jobs/types.backup.ts'

/** Names one message of a backup. The manifest has part number 0. */
export interface PartKey {
  backupId: string
  chatId: string
  kind: PartKind
  partNo: number
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

/** The condition that a row is this message's. */
export function thisPart(
  part: PartKey,
): (eb: ExpressionBuilder<CatalogSchema, 'backup_parts'>) => Expression<SqlBool> {
  return eb =>
    eb.and({ backup_id: part.backupId, chat_id: part.chatId, kind: part.kind, part_no: part.partNo })
}

/** For people. */
export function describePart(part: PartKey): string {
  return part.kind === 'manifest' ? 'The manifest' : `Part ${part.partNo}`
}

/** CatalogError INVALID unless it can be the name of a message. */
export function checkPartKey(part: PartKey): void {
  checkUuid('backup id', part.backupId)
  checkText('chat id', part.chatId)
  if (part.kind === 'part') checkCount('part number', part.partNo, 1)
  else if (part.kind !== 'manifest' || part.partNo !== 0) {
    throw new CatalogError('Not a valid part number', {
      code: 'INVALID',
      hint: 'Parts count from 1; the manifest has number 0.',
    })
  }
}
