import { sql } from 'kysely'
import type { Database } from '#database.ts'

/**
 * What an index takes: an event that came more often counts as that, and more kinds of events are left out.
 */
const MAX_COUNT = 1_000_000
const MAX_EVENTS = 1_000

/** What the catalog has for the index of one chat. Equal catalogs give equal rows. */
export interface IndexRows {
  /** Ids that the chat had before, as a group that has become a supergroup. Sorted. */
  movedFrom: string[]
  /**
   * Fingerprints of the keys that signed the manifests of these backups, and of those under earlier ids.
   * Sorted.
   */
  signers: string[]
  /** Oldest first; those of the same millisecond by id. */
  backups: IndexRow[]
}

/** One live backup that is wholly in the chat. Sizes in bytes, hashes SHA-256 in hex. */
export interface IndexRow {
  id: string
  project_id: string
  type: string
  filename: string
  state: 'complete' | 'erasing'
  created_at: Date
  completed_at: Date
  expires_at: Date
  size: number
  plain_sha256: string
  archive_size: number
  part_count: number
  encrypted: boolean
  restore_count: number
  source_name: string | null
  tags: string[]
  schedule_id: string | null
  scheduled_for: Date | null
  expiry_given: boolean
  pinned_at: Date | null
  verified_at: Date | null
  damaged_at: Date | null
  signer: string | null
  manifest_message_id: number
  manifest_file_id: string
  manifest_bot_id: string | null
  manifest_size: number
  manifest_sha256: string
  /** Message ids in that chat, in order of part number. */
  part_messages: number[]
  /** Each event once, with its last time (ISO 8601) and how often it came; sorted by event. */
  history: EventCount[]
}

interface EventCount {
  event: string
  at: string
  count: number
}

interface ReadRow extends Omit<IndexRow, 'history'> {
  history: EventCount[] | null
  /** What the events `recovered` keep of the time before: a list for each, as it came from a chat. */
  earlier: unknown
}

/**
 * The rows for the index of a chat: its complete backups, and those that are being erased while a message of
 * them is still there.
 */
export async function indexRows(database: Database, chatId: string): Promise<IndexRows> {
  const rows = await readBackups(database, chatId)
  const movedFrom = await readMoves(database, chatId)
  const before = movedFrom.length === 0 ? [] : await readSigners(database, movedFrom)
  const signers = new Set([...rows, ...before].map(({ signer }) => signer).filter(signer => signer !== null))
  const backups = rows.map(({ earlier, history, ...row }) => ({
    ...row,
    history: mergedHistory(history, earlier),
  }))
  return { movedFrom, signers: [...signers].sort(), backups }
}

/** Who signed under the ids that the chat had before: its index vouches for the indexes there. */
async function readSigners(database: Database, chatIds: string[]): Promise<{ signer: string | null }[]> {
  return await database.kysely
    .selectFrom('backups')
    .select('signer')
    .distinct()
    .where('chat_id', 'in', chatIds)
    .where('state', 'in', ['complete', 'erasing'])
    .execute()
}

async function readMoves(database: Database, chatId: string): Promise<string[]> {
  const rows = await database.kysely
    .selectFrom('chats')
    .select('chat_id')
    .where('moved_to', '=', chatId)
    .execute()
  return rows.map(({ chat_id }) => chat_id).sort()
}

/**
 * A part that is being repaired has no message id for a moment; then the index names the last id in its
 * history. A backup that still lacks the id of a part is not wholly in the chat. What happened before a
 * catalog was rebuilt is in the event `recovered`. The query goes from backup to backup by database indexes:
 * a plan that joins them all needs good statistics.
 */
async function readBackups(database: Database, chatId: string): Promise<ReadRow[]> {
  const { rows } = await sql<ReadRow>`
    with drawn as (
      select backup.id, backup.project_id, backup.type, backup.filename, backup.state, backup.created_at, backup.completed_at,
             backup.expires_at, backup.size, backup.plain_sha256, backup.archive_size, backup.part_count, backup.encrypted,
             backup.restore_count, backup.source_name, backup.tags, backup.schedule_id, backup.scheduled_for, backup.expiry_given,
             backup.pinned_at, backup.verified_at, backup.damaged_at, backup.signer,
             manifest.message_id as manifest_message_id, manifest.file_id as manifest_file_id,
             manifest.bot_id as manifest_bot_id, manifest.size as manifest_size, manifest.sha256 as manifest_sha256
        from control_plane.backups backup
        join control_plane.backup_parts manifest on manifest.backup_id = backup.id
             and manifest.chat_id = ${chatId} and manifest.kind = 'manifest' and manifest.message_id is not null
       where backup.state in ('complete', 'erasing') and backup.completed_at is not null and backup.filename is not null
         and backup.plain_sha256 is not null and backup.archive_size is not null and backup.part_count is not null
         and (backup.state = 'complete' or exists (
               select from control_plane.backup_parts
                where backup_id = backup.id and message_id is not null and state not in ('erased', 'tombstone')))
    )
    select drawn.*, parts.part_messages, histories.history, histories.earlier
      from drawn
     cross join lateral (
       select jsonb_agg(coalesce(part.message_id, (
                select (details ->> 'message_id')::bigint from control_plane.backup_history
                 where backup_id = part.backup_id and event = 'part_replaced'
                   and details ->> 'chat_id' = part.chat_id and (details ->> 'part_no')::int = part.part_no
                 order by id desc limit 1)) order by part.part_no) as part_messages
         from control_plane.backup_parts part
        where part.backup_id = drawn.id and part.chat_id = ${chatId} and part.kind = 'part') parts
     cross join lateral (
       select jsonb_agg(jsonb_build_object('event', event, 'at', at, 'count', count)) as history,
              jsonb_agg(earlier) filter (where earlier is not null) as earlier
         from (select event, max(at) as at, count(*) as count,
                      jsonb_agg(details -> 'history') filter (where event = 'recovered') as earlier
                 from control_plane.backup_history where backup_id = drawn.id
                group by event) events) histories
     where jsonb_array_length(parts.part_messages) = drawn.part_count and not parts.part_messages @> '[null]'
     order by drawn.created_at, drawn.id
  `.execute(database.kysely)
  return rows
}

function mergedHistory(history: EventCount[] | null, earlier: unknown): EventCount[] {
  const events = new Map<string, { at: Date; count: number }>()
  const happened = [history ?? [], ...(Array.isArray(earlier) ? earlier : [])].flat(2).filter(isEvent)
  for (const { event, at: time, count } of happened) {
    const before = events.get(event)
    const at = new Date(Math.max(new Date(time).getTime(), before?.at.getTime() ?? 0))
    events.set(event, { at, count: Math.min((before?.count ?? 0) + count, MAX_COUNT) })
  }
  return [...events]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_EVENTS)
    .map(([event, { at, count }]) => ({ event, at: at.toISOString(), count }))
}

/**
 * Earlier programs stored an index without checks. What is no event is left out, or no later index could be
 * drawn.
 */
function isEvent(value: unknown): value is EventCount {
  if (typeof value !== 'object' || value === null) return false
  if (!('event' in value && 'at' in value && 'count' in value)) return false
  const { event, at, count } = value
  if (typeof event !== 'string' || event.length > 1024 || typeof at !== 'string') return false
  if (!/^\d{4}-/.test(at) || Number.isNaN(new Date(at).getTime())) return false
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 1
}
