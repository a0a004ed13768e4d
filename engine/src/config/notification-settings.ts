import type { NoticeChannel } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { z } from 'zod'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import { parseSpanMs } from '#units/quantities.ts'

/** `notifications:` of telegram-backup.yaml, as a person writes it. */
export interface NotificationEntries {
  chat?: string | boolean | undefined
  webhook?: string | undefined
  heartbeat?: string | undefined
  heartbeat_every?: string | undefined
  no_backup_for?: string | undefined
  smaller_than?: string | undefined
  waiting_for?: string | undefined
  chat_without?: string[] | undefined
  webhook_without?: string[] | undefined
}

const TEXT = z.string('write text')
const AMOUNT = z.union([TEXT, z.number().transform(String)], 'write a number and a unit')

/** Notices of retention: what will be erased, or waits for a confirmation. */
export const RETENTION_NOTICE = 'retention.notice'

const NOTICE_KINDS: readonly string[] = [...CONDITION_KINDS, 'catalog_unreachable', RETENTION_NOTICE]

const KINDS = z.array(
  z.string().refine(kind => NOTICE_KINDS.includes(kind), `the kinds are ${NOTICE_KINDS.join(', ')}`),
  'write a list of kinds, as in [retention.notice, backup_small]',
)

/** Values are read when they are used, because they may be variables. */
export const NOTIFICATION_ENTRIES: z.ZodType<NotificationEntries> = z.strictObject({
  chat: z
    .union([z.boolean(), AMOUNT], 'write true, false, or the id of a chat in quotation marks')
    .optional(),
  webhook: TEXT.optional(),
  heartbeat: TEXT.optional(),
  heartbeat_every: AMOUNT.optional(),
  no_backup_for: AMOUNT.optional(),
  smaller_than: AMOUNT.optional(),
  waiting_for: AMOUNT.optional(),
  chat_without: KINDS.optional(),
  webhook_without: KINDS.optional(),
})

/** Which notices go where. Times are milliseconds. */
export interface NotificationSettings {
  /** `vault`: the chat of the backups; a chat's id, or null for none. */
  chat: 'vault' | { id: string } | null
  webhook: URL | null
  heartbeat: URL | null
  heartbeatEveryMs: number
  /** A source is overdue after that time; null: twice the interval of its schedule. */
  noBackupForMs: number | null
  /** A backup below that share of the median of earlier ones is suspiciously small, 0 to 1; 0: never. */
  smallerThan: number
  /** A job that waits for longer is reported. */
  waitingForMs: number
  /** Kinds that a channel does not get. */
  leftOut: Readonly<Record<NoticeChannel, readonly string[]>>
}

const HOUR_MS = 3_600_000

/** Fills in the defaults. Throws `CONFIGURATION`, never with a URL, which may be a secret. */
export function readNotificationSettings(entries: NotificationEntries): NotificationSettings {
  return {
    chat: chatOf(entries.chat),
    webhook: urlOf('webhook', entries.webhook),
    heartbeat: urlOf('heartbeat', entries.heartbeat),
    heartbeatEveryMs:
      spanOf('heartbeat_every', entries.heartbeat_every, { atLeastMs: 1000, atMostMs: 24 * HOUR_MS }) ??
      60_000,
    noBackupForMs: spanOf('no_backup_for', entries.no_backup_for, { atLeastMs: 60_000 }),
    smallerThan: shareOf(entries.smaller_than ?? '50%'),
    waitingForMs: spanOf('waiting_for', entries.waiting_for, { atLeastMs: 1000 }) ?? HOUR_MS,
    leftOut: { chat: entries.chat_without ?? [], webhook: entries.webhook_without ?? [] },
  }
}

/** `no_backup_for` of a source. Throws `CONFIGURATION`. */
export function readNoBackupFor(text: string | undefined): number | null {
  return spanOf('no_backup_for', text, { atLeastMs: 60_000 })
}

function chatOf(entry: string | boolean | undefined): NotificationSettings['chat'] {
  if (entry === undefined || entry === true) return 'vault'
  if (entry === false) return null
  if (/^(?:-?\d{1,20}|@[A-Za-z0-9_]{4,32})$/.test(entry)) return { id: entry }
  throw wrong('chat', 'Write true, false, the number of a chat in quotation marks, or @name.')
}

function urlOf(name: string, text: string | undefined): URL | null {
  if (text === undefined || text.trim() === '') return null
  const url = URL.parse(text.trim())
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return url
  throw wrong(name, 'It begins with https:// or http://.')
}

function spanOf(
  name: string,
  text: string | undefined,
  { atLeastMs, atMostMs = Number.MAX_SAFE_INTEGER }: { atLeastMs: number; atMostMs?: number },
): number | null {
  if (text === undefined) return null
  let span = 0
  try {
    span = parseSpanMs(text)
  } catch {
    throw wrong(name, 'Write a whole number and a unit: 90s, 15m, 24h, 7d or 2w.')
  }
  if (span >= atLeastMs && span <= atMostMs) return span
  throw wrong(name, span < atLeastMs ? `It is at least ${atLeastMs / 1000}s.` : 'It is a day at most.')
}

function shareOf(text: string): number {
  const [, number] = /^(\d{1,2})\s*%$/.exec(text.trim()) ?? []
  if (number !== undefined) return Number(number) / 100
  if (text.trim() === '0') return 0
  throw wrong('smaller_than', 'Write a share such as 50%, or 0 for never.')
}

function wrong(name: string, hint: string): BackupError {
  return new BackupError(`notifications.${name} in telegram-backup.yaml is not understood`, {
    code: 'CONFIGURATION',
    hint,
  })
}
