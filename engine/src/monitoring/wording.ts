import { problemText, recoveryText } from '#monitoring/condition-texts.ts'
import type { Condition } from '#monitoring/conditions.ts'
import { formatSpan } from '#units/human-units.ts'

/** A notice. A webhook gets it as JSON, with its id. `at` is ISO 8601. */
export type NoticeBody = {
  /** notice: information without a problem, such as which backups retention will erase. */
  event: 'alert' | 'recovered' | 'notice' | 'test'
  kind: string
  project: string | null
  type: string | null
  source: string | null
  text: string
  at: string
  details: Record<string, string | number | null>
}

/** Each try to deliver a notice has the same `id`. */
export type SentNotice = NoticeBody & { id: string }

/** A notice of a problem. `isFurther`: the problem of an earlier notice has grown. */
export function alertNotice(condition: Condition, at: Date, isFurther = false): NoticeBody {
  const { kind, project, type, source, details } = condition
  const text = `⚠ ${isFurther ? 'Further: ' : ''}${problemText(condition)}`
  return { event: 'alert', kind, project, type, source, text, at: at.toISOString(), details }
}

/**
 * A notice of the end of a problem. `noticed`: when the alert was recorded, unless the problem is known to be
 * older. `until`: when the problem was first gone. `at`: when that became certain.
 */
export function recoveryNotice(
  condition: Omit<Condition, 'key'>,
  { noticed, until, at }: { noticed: Date; until: Date; at: Date },
): NoticeBody {
  const known = new Date(condition.details['since'] ?? Number.NaN)
  const since = known < noticed ? known : noticed
  const { kind, project, type, source } = condition
  const seconds = Math.max(0, Math.round((until.getTime() - since.getTime()) / 1000))
  return {
    event: 'recovered',
    kind,
    project,
    type,
    source,
    text: `✓ ${recoveryText(condition)}, after ${formatSpan(seconds)}`,
    at: at.toISOString(),
    details: {
      ...condition.details,
      ...{ since: since.toISOString(), until: until.toISOString(), lasted_seconds: seconds },
    },
  }
}

export function testNotice(host: string, at: Date): NoticeBody {
  return {
    event: 'test',
    kind: 'test',
    project: null,
    type: null,
    source: null,
    text: `A test by telegram-backup on ${host}: problems will be reported here.`,
    at: at.toISOString(),
    details: {},
  }
}

/** A notice that one process cannot reach the catalog, or can reach it again. */
export function catalogNotice(
  event: 'alert' | 'recovered',
  { host, pid }: { host: string; pid: number },
  trouble: { since: number; message: string },
  at: Date,
): NoticeBody {
  const since = new Date(trouble.since)
  // Several processes may run on one host, and each sends its own notice.
  const where = `${host} (process ${pid})`
  const seconds = Math.max(0, Math.round((at.getTime() - since.getTime()) / 1000))
  const text =
    event === 'alert'
      ? `⚠ The catalog cannot be reached from ${where} since ${since.toISOString()}: ${trouble.message.slice(0, 500)}. Nothing is backed up from there meanwhile.`
      : `✓ The catalog can be reached from ${where} again, after ${formatSpan(seconds)}`
  return {
    event,
    kind: 'catalog_unreachable',
    project: null,
    type: null,
    source: null,
    text,
    at: at.toISOString(),
    details: {
      host,
      pid,
      since: since.toISOString(),
      ...(event === 'recovered' && { lasted_seconds: seconds }),
    },
  }
}

/** Telegram's limit for a text, in UTF-16 units. */
const MAX_CHAT_UNITS = 4096

/** An earlier process died before or after it sent the notice. */
const PERHAPS_AGAIN = '\n(This may have been sent before.)'

/** The text of a notice for a chat, where a duplicate cannot be recognised by its id. */
export function chatNotice(text: string, mayBeRepeat: boolean): string {
  if (!mayBeRepeat) return chatText(text)
  return `${chatText(text, MAX_CHAT_UNITS - PERHAPS_AGAIN.length)}${PERHAPS_AGAIN}`
}

/** Makes mentions, commands and control characters harmless: error texts come from other programs. */
export function chatText(text: string, maxUnits: number = MAX_CHAT_UNITS): string {
  const harmless = text
    .replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/@(?=\w)/g, '@\u2060')
    .replace(/(^|\s)\/(?=\w)/g, '$1/\u2060')
    .toWellFormed()
  if (harmless.length <= maxUnits) return harmless
  return `${harmless.slice(0, maxUnits - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
