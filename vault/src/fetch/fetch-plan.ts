import type { BackupDetails, BackupPart } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { PartToFetch } from 'telegram-deployment-bot'

/** A message that holds a part, or held it: its file outlives it for a while. */
export interface PartPlace {
  chatId: string
  messageId: number | null
  fileId: string | null
  /** The bot that the file id belongs to; null when unknown. */
  botId: string | null
}

/** A part and all messages known to hold it: sound ones first, then those of the backup's own chat. */
interface PlannedPart extends PartToFetch {
  places: readonly PartPlace[]
}

/** The manifest, if the catalog knows one. */
export interface PlannedManifest extends Omit<PartToFetch, 'number'> {
  places: readonly PartPlace[]
}

/** The documents of a backup, as the catalog has them. */
export interface FetchPlan {
  backupId: string
  /** The backup's own chat; null when unknown. */
  chatId: string | null
  encrypted: boolean
  /** In order. */
  parts: PlannedPart[]
  manifest: PlannedManifest | undefined
}

/** Throws `NOT_FOUND` for a backup that is not complete, and `INTEGRITY` when the catalog lacks a part. */
export function planFetch(backup: BackupDetails): FetchPlan {
  if (backup.state !== 'complete') {
    throw new BackupError(`Backup ${backup.id} is ${backup.state}, so it cannot be fetched`, {
      code: 'NOT_FOUND',
      hint: hint`${run('list', { state: 'complete' })} lists the backups that can be fetched.`,
    })
  }
  // The rows of one part are in the order of its chats, the backup's own first.
  const rowsOf = Map.groupBy(backup.parts.filter(leadsSomewhere), row => row.part_no)
  const count = Math.max(backup.part_count ?? 0, 1, ...rowsOf.keys())
  const parts = Array.from({ length: count }, (_, index) => {
    const rows = rowsOf.get(index + 1)
    if (rows === undefined) throw unknownPart(backup, index + 1)
    return planPart(rows.toSorted(soundFirst) as [BackupPart, ...BackupPart[]])
  })
  return {
    backupId: backup.id,
    chatId: backup.chat_id,
    encrypted: backup.encrypted !== false,
    parts,
    manifest: planManifest(backup),
  }
}

function planManifest({ manifest }: BackupDetails): PlannedManifest | undefined {
  if (manifest === null) return undefined
  const { file_id: fileId, size, sha256 } = manifest
  return { fileId, size, sha256, places: [placeOf(manifest)] }
}

/** The place of the document that a row describes. */
export function placeOf(row: Pick<BackupPart, 'chat_id' | 'message_id' | 'file_id' | 'bot_id'>): PartPlace {
  return { chatId: row.chat_id, messageId: row.message_id, fileId: row.file_id, botId: row.bot_id }
}

function leadsSomewhere({ state, file_id, message_id }: BackupPart): boolean {
  return state !== 'erased' && state !== 'tombstone' && (file_id !== null || message_id !== null)
}

function soundFirst(a: BackupPart, b: BackupPart): number {
  return Number(b.state === 'sent') - Number(a.state === 'sent')
}

function planPart(rows: readonly [BackupPart, ...BackupPart[]]): PlannedPart {
  const [{ part_no: number, file_id, size, sha256 }] = rows
  return { number, fileId: file_id ?? undefined, size, sha256, places: rows.map(placeOf) }
}

function unknownPart({ id, parts }: BackupDetails, number: number): BackupError {
  const [code, hint] =
    parts.length === 0
      ? ['NOT_FOUND', ONLY_FIRST_FILE]
      : ['INTEGRITY', 'The part was erased, or its row in the catalog is lost.']
  return new BackupError(`The catalog does not know part ${number} of backup ${id}`, { code, hint })
}

export const ONLY_FIRST_FILE = 'A custom telegram service sent it, and recorded only its first file id.'
