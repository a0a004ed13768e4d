import { hint, run } from '@telegram-backup/errors'
import type { Condition } from '#monitoring/conditions.ts'
import { lastCompleteWords } from '#monitoring/last-complete.ts'
import { count, formatBytes, formatSpan } from '#units/human-units.ts'

interface Subject {
  details: Condition['details']
  /** ` "shop-db"`, or nothing. */
  name: string
  /** ` (project shop, database)`, or nothing. */
  place: string
  isNamed: boolean
  project: string | null
}

interface Texts {
  wrong: (of: Subject) => string
  /** Continues that sentence: facts, and what to do. */
  more: (of: Subject) => string
  /** Says only what is certain: an alert also ends when the source is no longer backed up. */
  right: (of: Subject) => string
}

const LISTED = hint`"${run('list')}" and "show" name them; "verify" repairs them from a second chat.`
const LISTED_ERASING = hint`"${run('list', { state: 'erasing' })}" and "show" say why.`
const TESTED = hint`"${run('notify-test')}" says why.`

const span = (seconds: unknown): string => formatSpan(Number(seconds))
const reason = ({ details }: Subject): string => `${details['message']} (${details['code']})`
/** `bucket "laptops" (project shop)`. */
const bucket = ({ details, project }: Subject): string => `bucket "${details['bucket']}" (project ${project})`
const job = ({ details, name }: Subject): string =>
  `${details['job_kind']} job${name}${details['target'] ? ` to "${details['target']}"` : ''}`

const TEXTS: Record<Condition['kind'], Texts> = {
  backup_failed: {
    wrong: ({ name, place }) => `The backup of${name}${place} failed`,
    more: of => (of.details['message'] ? `: ${reason(of)}` : ''),
    right: ({ name, place }) => `The backup of${name}${place} is no longer failing`,
  },
  backup_overdue: {
    wrong: ({ name, place }) => `No complete backup of${name}${place} for too long`,
    more: ({ details }) =>
      `. The last complete one: ${lastCompleteWords(details)}; there should be one every ${span(details['limit_seconds'])} at least.`,
    right: ({ name, place }) => `The backup of${name}${place} is no longer overdue`,
  },
  backup_small: {
    wrong: of => `The newest backup of${nameOr('is', of)}${of.place} is suspiciously small`,
    more: ({ details }) =>
      `: ${formatBytes(Number(details['size']))}, where ${formatBytes(Number(details['usual_size']))} were usual. Check whether the source lost data.`,
    right: of => `The newest backup of${nameOr('is', of)}${of.place} has a usual size again`,
  },
  backup_damaged: {
    wrong: of => `Damaged backups of${nameOr('was', of)}${of.place}`,
    more: ({ details }) => `: ${details['backups']} in the chat. ${LISTED}`,
    right: of => `No backup of${nameOr('was', of)}${of.place} is known to be damaged any more`,
  },
  drill_overdue: {
    wrong: ({ name, place }) => `No drill has proven the backups of${name}${place} for too long`,
    more: of =>
      `${memberOf(of)}. The last proof: ${of.details['proven_at'] ?? 'never'}; there should be one every ${span(of.details['limit_seconds'])} at least.${whyNoProof(of)}`,
    right: ({ name, place }) => `The drills of${name}${place} are no longer overdue`,
  },
  drill_failed: {
    wrong: ({ name, place }) => `The last drill of${name}${place} failed`,
    more: of =>
      `${memberOf(of)}: ${of.details['code'] === 'DIFFERENT' ? 'what was restored differs from its source' : `the backup could not be restored (${of.details['code']})`}. ${hint`"${run('show', String(of.details['backup_id']))}" says more.`}`,
    right: ({ name, place }) => `The last drill of${name}${place} did not fail`,
  },
  schedule_off: {
    wrong: ({ name, place }) => `The schedule of${name}${place} is switched off`,
    more: ({ details }) =>
      ` since ${details['switched_off_at']}. The last complete backup: ${lastCompleteWords(details)}. Switch the schedule on, or remove it.`,
    right: ({ name, place }) => `The schedule of${name}${place} is switched on again, or not missed any more`,
  },
  backup_held_up: {
    wrong: ({ name }) => `The backup of${name} has not succeeded`,
    more: of => ` for ${span(of.details['failing_seconds'])}, and is tried again: ${reason(of)}`,
    right: ({ name }) => `The backup of${name} is not held up any more`,
  },
  jobs_waiting: {
    wrong: of => `A ${job(of)} waits`,
    more: ({ details }) =>
      ` for ${span(details['waiting_seconds'])}: is a serve running that knows the name, with a free slot?`,
    right: of => `No ${job(of)} waits too long any more`,
  },
  erase_failed: {
    wrong: () => 'Some messages cannot be erased',
    more: ({ details }) => `: ${details['messages']}. ${LISTED_ERASING}`,
    right: () => 'All messages could be erased',
  },
  notices_waiting: {
    wrong: ({ details }) => `Notices cannot be delivered by the ${details['channel']}`,
    more: ({ details }) =>
      `: ${details['notices']} wait, the oldest for ${span(details['waiting_seconds'])}. ${TESTED}`,
    right: ({ details }) => `Notices are delivered by the ${details['channel']} again`,
  },
  chat_unreachable: {
    wrong: () => 'The chat cannot be reached',
    more: ({ details }) =>
      ` since ${details['since']}: ${details['message']}. Nothing can be backed up or restored meanwhile.`,
    right: () => 'The chat can be reached again',
  },
  chat_not_ours: {
    wrong: () => 'The chat does not belong to this catalog',
    more: ({ details }) =>
      ` since ${details['since']}: ${details['message']}. Nothing is written there any more, and nothing is backed up from here.${details['hint'] ? ` ${details['hint']}` : ''}`,
    right: () => 'The chat belongs to this catalog again',
  },
  config_unusable: {
    wrong: ({ details }) => `The configuration file on ${details['host']} cannot be used`,
    more: ({ details }) =>
      `: ${details['message']}. Its last usable contents stay in use until it is fixed; a serve that starts now cannot use it at all.`,
    right: ({ details }) => `The configuration file on ${details['host']} can be used again`,
  },
  certificate_unusable: {
    wrong: ({ details }) => `The new certificate on ${details['host']} cannot be used`,
    more: ({ details }) =>
      `: ${details['message']}. The previous one is used until it expires; a serve cannot start with the new one.`,
    right: ({ details }) => `The certificate on ${details['host']} can be used again`,
  },
  snapshot_overdue: {
    wrong: of => `No new snapshot in ${bucket(of)} for too long`,
    more: ({ details }) =>
      `. The last one: ${details['last_snapshot_at'] ?? 'never'}; there should be one every ${span(details['limit_seconds'])} at least. Look at the program that backs up to it.`,
    right: of => `Snapshots come to ${bucket(of)} again`,
  },
  bucket_damaged: {
    wrong: of => `Objects in ${bucket(of)} are damaged`,
    more: ({ details }) =>
      `: ${count(Number(details['packs']), 'pack')} cannot be read from a chat. ${hint`"${run('verify', { bucket: String(details['bucket']), 'read-data': true })}" says which objects are lost, and repairs packs from a second chat.`}`,
    right: of => `Nothing in ${bucket(of)} is known to be damaged any more`,
  },
}

/** One or two sentences about a condition. */
export function problemText(condition: Omit<Condition, 'key'>): string {
  const { wrong, more } = TEXTS[condition.kind]
  const subject = subjectOf(condition)
  return wrong(subject) + more(subject)
}

/** A sentence about its end, without a full stop. */
export function recoveryText(condition: Omit<Condition, 'key'>): string {
  return TEXTS[condition.kind].right(subjectOf(condition))
}

function subjectOf({ project, type, source, details }: Omit<Condition, 'key'>): Subject {
  return {
    details,
    name: source === null ? '' : ` "${source}"`,
    place: project === null ? '' : ` (project ${project}, ${type})`,
    isNamed: source !== null,
    project,
  }
}

/** ` (member shop)`, of a source that consists of several. */
function memberOf({ details }: Subject): string {
  return details['member'] ? ` (member ${details['member']})` : ''
}

/** What the next drill waits for, else how the last one failed. */
function whyNoProof({ details: { why, code } }: Subject): string {
  if (why) return ` The next drill waits: ${why}.`
  if (code === 'DIFFERENT') return ' The last drill found a difference.'
  return code ? ` The last drill failed (${code}).` : ''
}

function nameOr(verb: 'is' | 'was', { name, isNamed }: Subject): string {
  return isNamed ? name : ` what ${verb} sent by hand`
}
