import type { Catalog } from '#torture/world/catalog.ts'

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

/** One message as the catalog has it. */
export interface MessageRow {
  readonly backupId: string
  readonly chatId: string
  readonly kind: 'part' | 'manifest'
  readonly partNumber: number
  readonly messageId: number | undefined
  readonly sha256: string
  readonly state: string
}

/** All that the judge needs, read at one time. */
export interface CatalogRows {
  readonly backups: readonly BackupRow[]
  readonly messages: readonly MessageRow[]
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
  const [backups, messages, openSends, leases, chats, remnants, evidence] = [
    await catalog.rows('select * from control_plane.backups'),
    await catalog.rows('select * from control_plane.backup_parts order by backup_id, chat_id, kind, part_no'),
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
    messages: messages.map(row => ({
      backupId: String(row['backup_id']),
      chatId: String(row['chat_id']),
      kind: row['kind'] === 'manifest' ? 'manifest' : 'part',
      partNumber: Number(row['part_no']),
      messageId: row['message_id'] === null ? undefined : Number(row['message_id']),
      sha256: String(row['sha256']),
      state: String(row['state']),
    })),
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

function placesOf(rows: ReadonlyArray<Record<string, unknown>>): Set<string> {
  return new Set(rows.map(row => `${row['chat_id']} ${row['message_id']}`))
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
