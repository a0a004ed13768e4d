import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid, storable } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'

/**
 * Records that a complete backup was found damaged in the chat: `damaged_at`, unless it has one, and the
 * event `damaged`. False when the backup is unknown, not complete, or already known to be damaged.
 */
export async function markDamaged(
  database: Database,
  finding: { backupId: string; error: string; partNumber?: number | undefined },
): Promise<boolean> {
  const { backupId, partNumber } = finding
  return await setDamage(database, backupId, {
    damaged: true,
    event: 'damaged',
    details: { error: storable(finding.error), ...(partNumber === undefined ? {} : { part_no: partNumber }) },
  })
}

/**
 * Where the bytes came from. `messages`: the messages of its chat. `file ids`: files, which outlive their
 * messages and so prove nothing about them.
 */
type ReadFrom = 'messages' | 'file ids'

/**
 * Clears the damage after every byte was read and was right; the event is `found sound`. False when the
 * backup was not damaged, or the reading proves too little: a message of its own chat is missing or damaged,
 * or the bytes came from file ids and the damage was found in another way.
 */
export async function markSound(database: Database, backupId: string, readFrom: ReadFrom): Promise<boolean> {
  return await setDamage(database, backupId, {
    damaged: false,
    event: 'found sound',
    details: { read_from: readFrom },
    mayBe: async trx =>
      (await isWholeInChat(trx, backupId)) &&
      (readFrom === 'messages' || (await wasFoundByReading(trx, backupId))),
  })
}

/** No row says that a part or the manifest is missing from the backup's own chat. */
async function isWholeInChat(trx: Transaction<CatalogSchema>, backupId: string): Promise<boolean> {
  const { rows } = await sql<{ whole: boolean }>`
    select coalesce(bool_and(part.state = 'sent'), true)
           and (count(part.part_no) = 0 or max(backup.part_count) is null
                or count(*) filter (where part.kind = 'part') = max(backup.part_count)) as whole
      from control_plane.backups backup
      left join control_plane.backup_parts part on part.backup_id = backup.id and part.chat_id = backup.chat_id
     where backup.id = ${backupId}
  `.execute(trx)
  return rows[0]?.whole ?? false
}

/**
 * Whether a reading by this catalog found the damage: it came from no index, and no verification has looked
 * at the messages and found anything since the backup was last sound.
 */
async function wasFoundByReading(trx: Transaction<CatalogSchema>, backupId: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    with sound as (
      select max(id) as id, max(at) as at from control_plane.backup_history
       where backup_id = ${backupId} and event in ('found sound', 'recovered'))
    select exists (select from control_plane.backup_history
                    where backup_id = ${backupId} and event = 'damaged' and id > coalesce(sound.id, 0))
           and not exists (select from control_plane.verifications
                            where backup_id = ${backupId} and state = 'damaged'
                              and started_at >= coalesce(sound.at, started_at)) as found
      from sound
  `.execute(trx)
  return rows[0]?.found ?? false
}

async function setDamage(
  database: Database,
  backupId: string,
  change: {
    damaged: boolean
    event: string
    details: { [name: string]: string | number }
    mayBe?: (trx: Transaction<CatalogSchema>) => Promise<boolean>
  },
): Promise<boolean> {
  checkUuid('backup id', backupId)
  return await inTransaction(database.kysely, async trx => {
    // Every writer that marks a message locks the backup first: what is judged here stays true until it is
    // written.
    const backup = await trx
      .selectFrom('backups')
      .select('id')
      .where('id', '=', backupId)
      .where('state', '=', 'complete')
      .where('damaged_at', change.damaged ? 'is' : 'is not', null)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (backup === undefined || (change.mayBe && !(await change.mayBe(trx)))) return false
    await trx
      .updateTable('backups')
      .set({ damaged_at: change.damaged ? sql<Date>`now()` : null })
      .where('id', '=', backupId)
      .execute()
    await addToHistory(trx, {
      backupId,
      event: change.event,
      actor: database.actor,
      details: change.details,
    })
    return true
  })
}
