import type { BackupDetails, MessageRow, Verification } from '@telegram-backup/database'
import {
  countMissingFiles,
  missingFiles,
  missingWords,
  stateWords,
  withMissingFiles,
} from '@telegram-backup/database/missing-files'
import {
  describeSource,
  mayBeResumed,
  resumableUntil,
} from '@telegram-backup/engine/backup/recorded-facts.ts'
import { recordedReport } from '@telegram-backup/engine/proof/drill-report.ts'
import type { RestoreEstimate } from '@telegram-backup/engine/proof/restore-time.ts'
import {
  count,
  formatBytes,
  formatSizeOf,
  formatTable,
  formatTime,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  describeCommand,
  type RegisterCommand,
  withCatalog,
} from '#commands/command.ts'
import { drillResult } from '#commands/drill-words.ts'
import { type Facts, factTable } from '#commands/fact-table.ts'
import { measuredWords } from '#commands/restore-story.ts'
import { describeMessages } from '#commands/show-messages.ts'

/** How many missing files are listed for people. */
const MAX_SHOWN = 20

/** `show ID`: one backup with its messages and history. */
export const registerShow: RegisterCommand = (program, run) => {
  describeCommand(program.command('show'), {
    description: 'show one backup: its properties, its messages in the chat, its history',
    argument: BACKUP_ID,
    examples: [
      'telegram-backup show latest',
      'telegram-backup show latest:shop --before 2026-11-01     # of the source or project shop',
      'telegram-backup show 3f0c2c1e --json',
    ],
  }).action((id: string, options: BackupIdOptions & { json?: boolean }) =>
    run(async context => {
      const words = backupWords(id, options)
      const { listMessages } = await import('@telegram-backup/database')
      const { readPolicyWords } = await import('@telegram-backup/engine/retention/describe-policies.ts')
      const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
      const { restoreTimeOf } = await import('@telegram-backup/engine/proof/restore-time.ts')
      const { backup, messages, policies, restore_estimate } = await withCatalog(context, async database => {
        const backup = await findBackup(database, words, context)
        const policies = (await readPolicyWords(database))(backup)
        const restore_estimate = backup.state === 'complete' ? await restoreTimeOf(database, backup) : null
        return { backup, messages: await listMessages(database, backup.id), policies, restore_estimate }
      })
      context.output.answer({ ...withMissingFiles(backup), restore_estimate }, () =>
        describeBackup(backup, messages, { policies, restore_estimate, now: new Date() }),
      )
      return ExitCode.DONE
    }, options),
  )
}

function describeBackup(
  backup: BackupDetails,
  messages: readonly MessageRow[],
  of: { policies: string | undefined; restore_estimate: RestoreEstimate | null; now: Date },
): string {
  const { place, holds, contents } = describeSource(backup)
  const facts: Facts = [
    ['id', backup.id],
    ['project', backup.project_id],
    ['type', backup.type],
    ['state', stateWords(backup)],
    ['damaged', damageOf(backup)],
    ['source', sourceOf(backup)],
    ['place', place ?? null],
    ['sent by', senderOf(backup)],
    ['holds', holds ?? null],
    ['contents', contents ?? null],
    ['missing', missingWords(backup) ?? null],
    ['tags', backup.tags.join(', ') || null],
    ['group', groupOf(backup)],
    ['file', backup.filename ?? NONE],
    [
      'size',
      `${formatSizeOf(backup, backup.size)} plain, ${formatSizeOf(backup, backup.archive_size)} in the chat`,
    ],
    ['parts', partsOf(backup)],
    ['encrypted', backup.encrypted === null ? 'unknown' : backup.encrypted ? 'yes' : 'no'],
    ['created', formatTime(backup.created_at)],
    ...stayOf(backup, of),
    ['verified', backup.verified_at === null ? 'never' : formatTime(backup.verified_at)],
    ['restore', of.restore_estimate && `takes ${measuredWords(of.restore_estimate)}`],
    ['chat', backup.chat_id ?? NONE],
    ['sha-256', backup.plain_sha256 ?? NONE],
    ['error', backup.error],
    ['resumable', wayOn(backup)],
  ]
  const history = backup.history.map(entry => [formatTime(entry.at), entry.event])
  return [
    factTable(facts),
    '',
    ...describeMessages(messages, backup.chat_id),
    '',
    ...describeMissing(backup),
    ...describeVerifications(backup.verifications),
    formatTable([['WHEN', 'WHAT'], ...history]),
  ].join('\n')
}

/** For a failed backup whose parts are still in the chat: until when it can be resumed, and how. */
function wayOn(backup: BackupDetails): string | null {
  if (backup.state !== 'failed' || !mayBeResumed(backup)) return null
  return `until ${formatTime(resumableUntil(backup))}: telegram-backup send --resume ${backup.id}`
}

/** Who sent it, and from which machine; after a recovery, nobody knows. */
function senderOf({ history }: BackupDetails): string | null {
  const first = history.find(({ event }) => event === 'sending' || event === 'created')
  return first === undefined || first.actor === '' ? null : shownName(first.actor)
}

/** `3 parts: 2 sent, 1 missing`, of the chat that it was sent to. */
function partsOf({ parts, chat_id, part_count }: BackupDetails): string {
  const own = parts.filter(part => part.chat_id === chat_id)
  const states = [...Map.groupBy(own, ({ state }) => state)].map(
    ([state, { length }]) => `${length} ${state}`,
  )
  const number = count(Math.max(own.length, part_count ?? 0), 'part')
  return states.length === 0 ? number : `${number}: ${states.join(', ')}`
}

/** `shop (shop.sql)`: the name of the source in telegram-backup.yaml, and the file name. */
function sourceOf({ source, source_name }: BackupDetails): string {
  const filename = String(source?.['filename'] ?? NONE)
  return source_name === null ? filename : `${source_name} (${filename})`
}

/** The run over a cluster that it belongs to, for `restore group:ID`. */
function groupOf({ group_id, group_size, member }: BackupDetails): string | null {
  if (group_id === null) return null
  return `${shownName(member ?? '')}, one of ${group_size}; all: group:${group_id}`
}

/** The pin, if any, and the expiry or the policies that apply without it. */
function stayOf(
  { state, pinned_at, expires_at }: BackupDetails,
  { policies, now }: { policies: string | undefined; now: Date },
): Facts {
  if (state === 'erased' || state === 'erasing') return []
  const isPast = expires_at <= now ? ', in the past' : ''
  return [
    ['pinned', pinned_at && `since ${formatTime(pinned_at)}; it is never erased`],
    policies === undefined
      ? ['expires', formatTime(expires_at) + isPast]
      : ['kept', `by its policy: ${policies}`],
  ]
}

/** When damage was found, and which. */
function damageOf({ damaged_at, history }: BackupDetails): string | null {
  if (damaged_at === null) return null
  const words = history.findLast(({ event }) => event === 'damaged')?.details['error']
  return `since ${formatTime(damaged_at)}${typeof words === 'string' ? `: ${words}` : ''}`
}

/** The files that are missing, or changed while they were read. */
function describeMissing(backup: BackupDetails): string[] {
  const rows = missingFiles(backup)
    .slice(0, MAX_SHOWN)
    .map(({ path, reason }) => [shownName(reason), shownName(path)])
  const rest = countMissingFiles(backup) - rows.length
  if (rows.length + rest === 0) return []
  const more = rest === 0 ? [] : [`and ${rest} more; --json lists 1,000 at most`]
  return [formatTable([['MISSING', 'FILE'], ...rows]), ...more, '']
}

const WHAT_WAS_DONE: Readonly<Record<Verification['kind'], string>> = {
  existence: 'existence',
  data: 'every byte',
  drill: 'drill',
}

/** The verifications, newest first, with the findings of each. */
function describeVerifications(verifications: readonly Verification[]): string[] {
  if (verifications.length === 0) return []
  const rows = verifications.map(verification => {
    const { kind, state, parts, bytes, findings, error, started_at } = verification
    const drill = recordedReport(verification)
    return [
      formatTime(started_at),
      WHAT_WAS_DONE[kind],
      state === 'damaged' ? 'DAMAGED' : state,
      String(parts),
      formatBytes(bytes),
      [
        ...findings.map(({ reason, mended }) => `${mended === true ? 'repaired: ' : ''}${reason}`),
        ...(drill !== undefined && findings.length === 0 ? [drillResult(drill)] : []),
        ...(error ? [error] : []),
      ].join('; ') || NONE,
    ]
  })
  return [formatTable([['VERIFIED', 'WHAT', 'RESULT', 'MESSAGES', 'READ', 'FOUND'], ...rows]), '']
}
