import type { Catalog } from '#torture/world/catalog.ts'
import type { Row } from '#torture/world/catalog-server.ts'

/** What the judge reads of a backup. */
export interface BackupRow {
  readonly id: string
  readonly state: string
  readonly plainSha256: string | null
  readonly error: string | null
  readonly damaged: boolean
  readonly resumable: boolean
  readonly partCount: number | null
  readonly chatId: string
}

/** A pack without its messages. */
interface PackRow {
  readonly id: string
  readonly bucket: string
  readonly sequence: number
  readonly state: string
  /** Whether an open send may still bring it. */
  readonly isLookedFor: boolean
}

/** An object that is there, or one that can be brought back. */
export interface ObjectRow {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly state: string
  readonly sha256: string
  readonly inChat: boolean
  /** Whether a pack that was sent tells the chat that it is deleted. */
  readonly isToldDeleted: boolean
  readonly extents: ReadonlyArray<{ readonly pack: string; readonly offset: number; readonly length: number }>
}

/** One message as the catalog has it. */
export interface MessageRow {
  /** Of the backup, or of the pack. */
  readonly backupId: string
  readonly chatId: string
  readonly kind: 'part' | 'manifest' | 'pack'
  /** Of a pack: its sequence. */
  readonly partNumber: number
  readonly messageId: number | undefined
  readonly sha256: string
  readonly state: string
}

/** All that the judge needs, read at one time. */
export interface CatalogRows {
  readonly backups: readonly BackupRow[]
  readonly messages: readonly MessageRow[]
  readonly packs: readonly PackRow[]
  readonly objects: readonly ObjectRow[]
  /** Ids of objects of several packs that are being stored. */
  readonly uploads: readonly string[]
  readonly openSends: ReadonlyArray<{
    readonly purpose: string
    readonly messageOf: string | null
    readonly ageSeconds: number
  }>
  readonly leases: ReadonlyArray<{
    readonly subject: string
    readonly purpose: string
    readonly expired: boolean
  }>
  /** Message id of the index by chat. */
  readonly indexes: ReadonlyMap<string, number>
  /**
   * `chat message` of what a recovery could not tell from what people have copied: it is known, and stays.
   */
  readonly unsure: ReadonlySet<string>
  /** The same of what is to be removed, and could not be. */
  readonly remnants: ReadonlySet<string>
  /** The same of records of drills. */
  readonly evidence: ReadonlySet<string>
}

/** Reads the catalog as the protocol promises it, by plain SQL. */
export async function readCatalog(catalog: Catalog): Promise<CatalogRows> {
  const [backups, messages, packMessages, openSends, leases, chats, remnants, evidence] = [
    await catalog.rows('select * from control_plane.backups'),
    await catalog.rows('select * from control_plane.backup_parts order by backup_id, chat_id, kind, part_no'),
    await catalog.rows(
      `select message.*, pack.sequence, pack.sha256 from control_plane.pack_messages message
         join control_plane.packs pack on pack.id = message.pack_id order by pack.sequence, message.chat_id`,
    ),
    await catalog.rows(
      'select purpose, backup_id, extract(epoch from now() - begun_at)::float8 as age from control_plane.open_sends',
    ),
    await catalog.rows('select subject, purpose, expires_at < now() as expired from control_plane.leases'),
    await catalog.rows(
      'select chat_id, index_message_id from control_plane.chats where index_message_id is not null',
    ),
    await catalog.rows('select chat_id, message_id, is_unsure from control_plane.remnants'),
    await catalog.rows('select chat_id, message_id from control_plane.evidence_messages'),
  ]
  return {
    backups: backups.map(row => ({
      id: String(row['id']),
      state: String(row['state']),
      plainSha256: textOf(row['plain_sha256']),
      error: textOf(row['error']),
      damaged: row['damaged_at'] !== null,
      resumable: row['resumable'] === true,
      partCount: row['part_count'] === null ? null : Number(row['part_count']),
      chatId: String(row['chat_id']),
    })),
    messages: [
      ...messages.map(row =>
        messageOf(row, {
          backupId: String(row['backup_id']),
          kind: row['kind'] === 'manifest' ? 'manifest' : 'part',
          partNumber: Number(row['part_no']),
        }),
      ),
      ...packMessages.map(row =>
        messageOf(row, {
          backupId: String(row['pack_id']),
          kind: 'pack',
          partNumber: Number(row['sequence']),
        }),
      ),
    ],
    ...(await readObjects(catalog)),
    openSends: openSends.map(row => ({
      purpose: String(row['purpose']),
      messageOf: textOf(row['backup_id']),
      ageSeconds: Number(row['age']),
    })),
    leases: leases.map(row => ({
      subject: String(row['subject']),
      purpose: String(row['purpose']),
      expired: row['expired'] === true,
    })),
    indexes: new Map(chats.map(row => [String(row['chat_id']), Number(row['index_message_id'])])),
    unsure: placesOf(remnants.filter(row => row['is_unsure'] === true)),
    remnants: placesOf(remnants.filter(row => row['is_unsure'] !== true)),
    evidence: placesOf(evidence),
  }
}

function messageOf(row: Row, of: Pick<MessageRow, 'backupId' | 'kind' | 'partNumber'>): MessageRow {
  return {
    ...of,
    chatId: String(row['chat_id']),
    messageId: row['message_id'] === null ? undefined : Number(row['message_id']),
    sha256: String(row['sha256']),
    state: String(row['state']),
  }
}

async function readObjects(catalog: Catalog): Promise<Pick<CatalogRows, 'packs' | 'objects' | 'uploads'>> {
  const [packs, objects, uploads] = [
    await catalog.rows(
      `select pack.id, bucket.name, pack.sequence, pack.state,
         exists (select from control_plane.open_sends send where send.pack_id = pack.id) as looked_for
       from control_plane.packs pack join control_plane.object_buckets bucket on bucket.id = pack.bucket_id
       order by pack.sequence`,
    ),
    await catalog.rows(
      `select object.id, bucket.name, object.key, object.state, object.sha256, object.in_chat,
         pack.state in ('sent', 'erasing', 'erased') as told,
         (select coalesce(json_agg(json_build_object('pack', pack_id, 'offset', pack_offset, 'length', length) order by no), '[]')
            from control_plane.extents extent where extent.object_id = object.id) as extents
       from control_plane.objects object join control_plane.object_buckets bucket on bucket.id = object.bucket_id
         left join control_plane.packs pack on pack.id = object.deleted_in
       order by object.sequence, object.id`,
    ),
    await catalog.rows('select id from control_plane.object_uploads'),
  ]
  return {
    packs: packs.map(row => ({
      id: String(row['id']),
      bucket: String(row['name']),
      sequence: Number(row['sequence']),
      state: String(row['state']),
      isLookedFor: row['looked_for'] === true,
    })),
    objects: objects.map(row => ({
      id: String(row['id']),
      bucket: String(row['name']),
      key: String(row['key']),
      state: String(row['state']),
      sha256: String(row['sha256']),
      inChat: row['in_chat'] === true,
      isToldDeleted: row['told'] === true,
      extents: row['extents'] as ObjectRow['extents'],
    })),
    uploads: uploads.map(({ id }) => String(id)),
  }
}

function placesOf(rows: ReadonlyArray<Record<string, unknown>>): Set<string> {
  return new Set(rows.map(row => `${row['chat_id']} ${row['message_id']}`))
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
