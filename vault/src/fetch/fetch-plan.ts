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

/**
 * A part, and every message that is known to hold it; those known to be sound come first, then the backup's
 * own chat.
 */
interface PlannedPart extends PartToFetch {
  places: readonly PartPlace[]
}

/** The manifest, where the catalog knows one. */
export interface PlannedManifest extends Omit<PartToFetch, 'number'> {
  places: readonly PartPlace[]
}

/** Which parts make a backup, as the catalog has them. */
export interface FetchPlan {
  backupId: string
  /** The backup's own chat; null when unknown. */
  chatId: string | null
  encrypted: boolean
  /** In order. */
  parts: PlannedPart[]
  manifest: PlannedManifest | undefined
}

/**
 * What to fetch. Throws `NOT_FOUND` for a backup that is not whole in the chat (failed, erased, still under
 * way), and `INTEGRITY` when the catalog itself lacks a part.
 */
export function planFetch(backup: BackupDetails): FetchPlan {
  if (backup.state !== 'complete') {
    throw new BackupError(`Backup ${backup.id} is ${backup.state}; there is nothing whole to fetch`, {
      code: 'NOT_FOUND',
      hint: hint`${run('list', { state: 'complete' })} shows those that can be fetched.`,
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
  const manifest = planManifest(backup)
  return {
    backupId: backup.id,
    chatId: backup.chat_id,
    encrypted: backup.encrypted !== false,
    parts,
    manifest,
  }
}

function planManifest({ manifest }: BackupDetails): PlannedManifest | undefined {
  if (manifest === null) return undefined
  const { file_id: fileId, size, sha256 } = manifest
  return { fileId, size, sha256, places: [placeOf(manifest)] }
}

/** The place of the document of a message, by its row. */
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
  const [{ part_no, file_id, size, sha256 }] = rows
  return {
    number: part_no,
    fileId: file_id ?? undefined,
    size,
    sha256,
    places: rows.map(placeOf),
  }
}

function unknownPart(backup: BackupDetails, number: number): BackupError {
  return new BackupError(`The catalog does not know part ${number} of backup ${backup.id}`, {
    code: backup.parts.length === 0 ? 'NOT_FOUND' : 'INTEGRITY',
    hint:
      backup.parts.length === 0
        ? 'It was recorded by its first file id alone, by a telegram service of another make.'
        : 'It was erased, or its row is lost.',
  })
}
