import type { Condition } from '#monitoring/conditions.ts'
import { lastCompleteWords } from '#monitoring/last-complete.ts'
import { formatBytes } from '#units/human-units.ts'

/** What channels tell, and what a webhook gets as JSON, with the id of its delivery. `at` is ISO 8601. */
export type NoticeBody = {
  /** notice: something to know that is not wrong, such as what will be erased. */
  event: 'alert' | 'recovered' | 'notice' | 'test'
  kind: string
  project: string | null
  type: string | null
  source: string | null
  text: string
  at: string
  details: Record<string, string | number | null>
}

/** `id`: the same at each try of it, and of no other. */
export type ToldNotice = NoticeBody & { id: string }

/** What to say of something that has gone wrong; with `isFurther`, of more of what was told already. */
export function alertNotice(condition: Condition, at: Date, isFurther = false): NoticeBody {
  const { kind, project, type, source, details } = condition
  const text = `⚠ ${isFurther ? 'Further: ' : ''}${sentenceOf(condition)}`
  return { event: 'alert', kind, project, type, source, text, at: at.toISOString(), details }
}

/**
 * The same when it is right again. `noticed` is when that it was wrong was written down, where nothing earlier is known, `until` when it was
 * first found right, and `at` when that became certain.
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
    text: `✓ ${endOf(condition)}, after ${formatSpan(seconds)}`,
    at: at.toISOString(),
    details: {
      ...condition.details,
      ...{ since: since.toISOString(), until: until.toISOString(), lasted_seconds: seconds },
    },
  }
}

/** To see whether a way to tell works. */
export function testNotice(host: string, at: Date): NoticeBody {
  return {
    event: 'test',
    kind: 'test',
    project: null,
    type: null,
    source: null,
    text: `A test by telegram-backup on ${host}: whoever reads this will be told when something is wrong.`,
    at: at.toISOString(),
    details: {},
  }
}

/** Of the catalog, which one process cannot reach; nothing can be written down then. */
export function catalogNotice(
  event: 'alert' | 'recovered',
  { host, pid }: { host: string; pid: number },
  trouble: { since: number; message: string },
  at: Date,
): NoticeBody {
  const since = new Date(trouble.since)
  // Several may run on one host, and each tells by itself.
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

function sentenceOf(condition: Condition): string {
  const { details } = condition
  const subject = subjectOf(condition)
  switch (condition.kind) {
    case 'backup_failed':
      return `${subject}${details['message'] ? `: ${details['message']} (${details['code']})` : ''}`
    case 'backup_overdue':
      return `${subject}. The last complete one: ${lastCompleteWords(details)}; there should be one every ${formatSpan(Number(details['limit_seconds']))} at least.`
    case 'backup_small':
      return `${subject}: ${formatBytes(Number(details['size']))}, where ${formatBytes(Number(details['usual_size']))} were usual. Look whether the source is still whole.`
    case 'backup_damaged':
      return `${subject}: ${details['backups']} in the chat. "telegram-backup list" and "show" tell which, "verify" mends from a second chat.`
    case 'schedule_off':
      return `${subject} since ${details['switched_off_at']}. The last complete backup: ${lastCompleteWords(details)}. Switch it on, or remove it when none is wanted.`
    case 'backup_held_up':
      return `${subject} for ${formatSpan(Number(details['failing_seconds']))}, and is tried again: ${details['message']} (${details['code']})`
    case 'jobs_waiting':
      return `${subject} for ${formatSpan(Number(details['waiting_seconds']))}: is a serve running that knows the name, and has it room?`
    case 'erase_failed':
      return `${subject}: ${details['messages']}. "telegram-backup list --state erasing" and "show" tell why.`
    case 'notices_waiting':
      return `${subject}: ${details['notices']} wait, the oldest for ${formatSpan(Number(details['waiting_seconds']))}. "telegram-backup notify-test" tells why.`
    case 'chat_unreachable':
      return `${subject} since ${details['since']}: ${details['message']}. Nothing can be backed up or restored meanwhile.`
    case 'chat_not_ours':
      return `${subject} since ${details['since']}: ${details['message']}. Nothing is written there any more, and nothing is backed up from here.${details['hint'] ? ` ${details['hint']}` : ''}`
    case 'config_unusable':
      return `${subject}: ${details['message']}. What it said before holds until it is mended; a serve that starts anew cannot use it at all.`
    case 'certificate_unusable':
      return `${subject}: ${details['message']}. The one before is used until it expires; a serve that starts anew cannot start at all.`
  }
}

/** What is right again. Only what is certain: an alert may also end because nobody wants a backup of that source any more. */
function endOf(condition: Omit<Condition, 'key'>): string {
  const { kind, source, details } = condition
  const { name, place } = placeOf(condition)
  switch (kind) {
    case 'backup_failed':
      return `The backup of${name}${place} is no longer failing`
    case 'backup_overdue':
      return `The backup of${name}${place} is no longer overdue`
    case 'backup_small':
      return `The newest backup of${source === null ? ' what is sent by hand' : name}${place} is of a usual size again`
    case 'backup_damaged':
      return `No backup of${source === null ? ' what was sent by hand' : name}${place} is known to be damaged any more`
    case 'schedule_off':
      return `The schedule of${name}${place} is switched on again, or not missed any more`
    case 'backup_held_up':
      return `The backup of${name} is not held up any more`
    case 'jobs_waiting':
      return `No ${details['job_kind']} job${name}${details['target'] ? ` to "${details['target']}"` : ''} waits too long any more`
    case 'erase_failed':
      return 'No message is left that is to be erased and cannot be'
    case 'notices_waiting':
      return `People are told by the ${details['channel']} again`
    case 'chat_unreachable':
      return 'The chat can be reached again'
    case 'chat_not_ours':
      return 'The chat is for this catalog to use again'
    case 'config_unusable':
      return `The configuration file on ${details['host']} can be used again`
    case 'certificate_unusable':
      return `The certificate on ${details['host']} can be used again`
  }
}

function placeOf({ project, type, source }: Omit<Condition, 'key'>): { name: string; place: string } {
  return {
    name: source === null ? '' : ` "${source}"`,
    place: project === null ? '' : ` (project ${project}, ${type})`,
  }
}

function subjectOf(condition: Omit<Condition, 'key'>): string {
  const { kind, source, details } = condition
  const { name, place } = placeOf(condition)
  switch (kind) {
    case 'backup_failed':
      return `The backup of${name}${place} failed`
    case 'backup_overdue':
      return `No complete backup of${name}${place} for too long`
    case 'backup_small':
      return `The newest backup of${source === null ? ' what is sent by hand' : name}${place} is suspiciously small`
    case 'backup_damaged':
      return `Damaged backups of${source === null ? ' what was sent by hand' : name}${place}`
    case 'schedule_off':
      return `The schedule of${name}${place} is switched off`
    case 'backup_held_up':
      return `The backup of${name} has not succeeded`
    case 'jobs_waiting':
      return `A ${details['job_kind']} job${name}${details['target'] ? ` to "${details['target']}"` : ''} waits`
    case 'erase_failed':
      return 'Messages that are to be erased and cannot be'
    case 'notices_waiting':
      return `Nobody is told by the ${details['channel']}`
    case 'chat_unreachable':
      return 'The chat cannot be reached'
    case 'chat_not_ours':
      return 'The chat is not for this catalog to use'
    case 'config_unusable':
      return `The configuration file on ${details['host']} cannot be used`
    case 'certificate_unusable':
      return `The new certificate on ${details['host']} cannot be used`
  }
}

/** `45 s`, `5 min`, `3.5 h`, `2 d`. */
function formatSpan(seconds: number): string {
  const [amount, unit] =
    seconds < 120
      ? [seconds, 's']
      : seconds < 7200
        ? [seconds / 60, 'min']
        : seconds < 172_800
          ? [seconds / 3600, 'h']
          : [seconds / 86_400, 'd']
  return `${Math.round(amount * 10) / 10} ${unit}`
}

/** Telegram's bound on a text, in UTF-16 units. */
const MAX_CHAT_UNITS = 4096

/** Whoever tried to tell it before could not write down what came of it. */
const PERHAPS_AGAIN = '\n(This may have been told before.)'

/** A notice for a chat, where nobody can drop what comes twice. */
export function chatNotice(text: string, mayBeTold: boolean): string {
  if (!mayBeTold) return chatText(text)
  return `${chatText(text, MAX_CHAT_UNITS - PERHAPS_AGAIN.length)}${PERHAPS_AGAIN}`
}

/**
 * A text for a chat. Error texts come from others: what Telegram would make a mention or a command of, and what turns a line
 * round, is taken apart.
 */
export function chatText(text: string, maxUnits: number = MAX_CHAT_UNITS): string {
  const harmless = text
    .replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/@(?=\w)/g, '@\u2060')
    .replace(/(^|\s)\/(?=\w)/g, '$1/\u2060')
    .toWellFormed()
  if (harmless.length <= maxUnits) return harmless
  return `${harmless.slice(0, maxUnits - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
