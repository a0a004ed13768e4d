import {
  countMissingFiles,
  missingWords,
  shownIdOf,
  withWords,
} from '@telegram-backup/database/missing-files'
import {
  type DrillOutcome,
  type Finding,
  isSound,
  type VerificationReport,
  type VerifyOutcome,
} from '@telegram-backup/engine/operations/verify.ts'
import { type DrillReport, differenceIn } from '@telegram-backup/engine/proof/drill-report.ts'
import { count, formatBytes, formatTime, NONE } from '@telegram-backup/engine/units/human-units.ts'
import { describeError, ExitCode, exitCodeFor } from '@telegram-backup/errors'
import { describeDrill } from '#commands/drill-words.ts'
import type { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

/** The result of one backup, as `verify --json` prints it. */
export interface VerifiedBackup {
  /** True if the backup is sound or was repaired and nothing was left out, or if it was skipped. */
  success: boolean
  id: string
  project_id: string
  type: string
  created_at: Date
  /** Number of files that are missing, or changed while they were read, as `--allow` permitted. */
  missing_files: number
  /** skipped: the backup was erased before its turn came. */
  state: VerificationReport['state'] | 'failed' | 'skipped'
  depth?: VerificationReport['depth']
  verification_id?: string
  parts?: number
  bytes?: number
  findings: readonly Finding[]
  unproven: VerificationReport['unproven']
  /**
   * Only with `--drill`. failed: it could not be restored, or not on this server · not made: its bytes are
   * damaged.
   */
  drill?: DrillReport | ({ state: 'failed' } & Failure) | { state: 'not made' } | undefined
  /** Why the backup was skipped. */
  reason?: string
  /** Only if the backup is damaged or could not be verified. */
  code?: string
  error?: string
  hint?: string | undefined
}

const REPAIR_HINT =
  'With a second chat (TELEGRAM_REPLICA_CHAT_ID), parts that it still has are repaired automatically. Without one, make a new backup now, and keep an older backup of this source until the new one is complete.'

/** A verification as JSON. */
export function verifiedBackup(outcome: VerifyOutcome): VerifiedBackup {
  const { id, project_id, type, created_at } = outcome.backup
  const backup = { id, project_id, type, created_at, missing_files: countMissingFiles(outcome.backup) }
  if ('skipped' in outcome) {
    const { skipped: reason } = outcome
    return { success: true, ...backup, state: 'skipped', reason, findings: [], unproven: [] }
  }
  if ('error' in outcome) {
    const failure = failureOf(outcome.error)
    return { success: false, ...backup, state: 'failed', findings: [], unproven: [], ...failure }
  }
  const { id: verification_id, state, depth, parts, bytes, findings, unproven } = outcome.report
  const damage = findings.filter(({ mended }) => !mended)
  const { drill } = outcome
  const drilled = drill === undefined ? undefined : shownDrill(drill)
  return {
    success: isSound(outcome),
    ...backup,
    ...{ state, depth, verification_id, parts, bytes, findings, unproven },
    drill: drilled,
    ...(drilled?.state === 'differs' && differenceIn(drilled)),
    ...(drilled?.state === 'failed' && { code: drilled.code, error: drilled.error, hint: drilled.hint }),
    ...(damage.length > 0 && {
      code: 'INTEGRITY',
      error: damage.map(({ reason }) => reason).join('; '),
      hint: REPAIR_HINT,
    }),
  }
}

/** A verification for people, with a note about missing files. */
export type ShownVerification = VerifiedBackup & { missing?: string | undefined }

export function shownVerification(outcome: VerifyOutcome): ShownVerification {
  return { ...verifiedBackup(outcome), missing: missingWords(outcome.backup) }
}

type Failure = { code: string; error: string; hint?: string | undefined }

function shownDrill(drill: DrillOutcome): NonNullable<VerifiedBackup['drill']> {
  if (drill === 'damaged') return { state: 'not made' }
  return 'error' in drill ? { state: 'failed', ...failureOf(drill.error) } : drill
}

function failureOf(error: unknown): Failure {
  const { code, message, hint } = describeError(error)
  return { code, error: message, hint }
}

/**
 * 5 if damage was found, no key fits, or a drill found differences; 3 if a backup could not be verified or
 * drilled, or not in every chat. For a single backup whose drill failed, the exit code of that failure.
 */
export function verifyExitCode(verified: readonly VerifiedBackup[]): ExitCode {
  const codes = verified.flatMap(({ code, unproven }) => [code, ...unproven.map(one => one.code)])
  if (codes.some(code => exitCodeFor(code) === ExitCode.INTEGRITY)) return ExitCode.INTEGRITY
  const [one, ...others] = verified
  if (others.length === 0 && one?.drill?.state === 'failed') return exitCodeFor(one.drill.code)
  return verified.every(({ success }) => success) ? ExitCode.DONE : ExitCode.PARTIAL
}

/** One backup, in a few lines. */
export function describeVerified(verified: ShownVerification): string {
  const { state, depth, parts = 0, bytes = 0, error, hint, unproven } = verified
  const id = shownIdOf(verified.id, 'complete', verified.missing)
  const isSoundAsSent = state !== 'damaged' && unproven.length > 0
  const read = depth === 'messages' ? '' : `, ${formatBytes(bytes)} read`
  const end =
    state === 'failed'
      ? `Backup ${id} could not be verified: ${error}`
      : `Backup ${id} is ${state === 'damaged' ? 'DAMAGED' : state}${isSoundAsSent ? ' as far as it could be verified' : ''}: ` +
        `${count(parts, 'message')}${read}. ${depthOf(verified)}`
  return [
    ...findingLines(verified),
    end,
    ...drillLines(verified),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
  ].join('\n')
}

/** Damage can prevent the decryption, as a missing key can. */
function depthOf({ depth = 'messages', state, unproven }: VerifiedBackup): string {
  const isForWantOfKey =
    state !== 'damaged' || unproven.some(({ code }) => code === 'WRONG_KEY' || code === 'NO_KEY')
  if (depth !== 'sent bytes' || isForWantOfKey) return DEPTHS[depth]
  return 'Every byte that could be fetched was compared with what was sent; not decrypted, because of the damage.'
}

const DEPTHS: Readonly<Record<VerificationReport['depth'], string>> = {
  messages: 'Checked only that the messages exist; --read-data reads every byte.',
  'sent bytes': 'Every byte was compared with what was sent; not decrypted: no matching key.',
  'plain bytes': 'Every byte was compared with what was sent, and decrypted to the end.',
}

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'PROJECT', least: 7 },
  { heading: 'TYPE', leavesAs: 3 },
  { heading: 'CREATED' },
  { heading: 'RESULT' },
  { heading: 'MESSAGES', leavesAs: 1 },
  { heading: 'READ', leavesAs: 2 },
]

/** Several backups as a table, then the problems of each. */
export function describeAllVerified(all: readonly ShownVerification[], output: Output): Text {
  const rows = all.map(({ id, project_id, type, created_at, state, depth, parts, bytes, missing }) => [
    id,
    project_id,
    type,
    formatTime(created_at),
    shownState(withWords(state === 'damaged' ? 'DAMAGED' : state, missing)),
    String(parts ?? NONE),
    bytes === undefined || depth === 'messages' ? NONE : formatBytes(bytes),
  ])
  const wrong = all.filter(({ success, findings, drill }) => !success || findings.length > 0 || drill)
  const reasons = wrong.flatMap(verified => [
    ...[...findingLines(verified), ...drillLines(verified)].map(line => `${verified.id}: ${line}`),
    ...(verified.state === 'failed' ? [`${verified.id}: not verified: ${verified.error}`] : []),
  ])
  const skipped = all.filter(({ state }) => state === 'skipped')
  const damaged = all.filter(({ state }) => state === 'damaged').length
  const failed = all.filter(({ state }) => state === 'failed').length
  const sound = all.length - damaged - failed - skipped.length
  const drills = all.filter(({ drill }) => drill?.state === 'failed' || drill?.state === 'differs').length
  const sum = [
    `${count(all.length, 'backup')}: ${sound} sound, ${damaged} damaged, ${failed} not verified`,
    ...(skipped.length === 0 ? [] : [`${skipped.length} skipped`]),
    ...(drills === 0 ? [] : [`${count(drills, 'drill')} failed`]),
  ].join(', ')
  return linesOf([
    output.table(COLUMNS, rows),
    ...reasons,
    ...skipped.map(({ id, reason }) => `${id}: skipped: ${reason}`),
    sum,
    ...describeDepths(all),
    ...(damaged > 0 ? [`hint: ${REPAIR_HINT}`] : []),
  ])
}

/** Says what was not checked, if anything. */
function describeDepths(all: readonly VerifiedBackup[]): string[] {
  const unopened = all.filter(({ depth }) => depth === 'sent bytes').length
  if (all.some(({ depth }) => depth === 'messages')) return [DEPTHS.messages]
  if (unopened === 0) return []
  return [`${count(unopened, 'backup')} compared with what was sent, but not decrypted: no matching key.`]
}

function drillLines({ drill }: VerifiedBackup): string[] {
  if (drill === undefined) return []
  if (drill.state === 'not made') return ['Drill: not made, because the backup is damaged.']
  return drill.state === 'failed' ? [`Drill: FAILED: ${drill.error}`] : describeDrill(drill)
}

function findingLines({ findings, unproven }: VerifiedBackup): string[] {
  return [
    ...findings.map(
      ({ reason, finding, mended }) => `${mended ? 'repaired' : 'WRONG   '}  ${finding}: ${reason}`,
    ),
    ...unproven.map(({ chat_id, reason }) => `left      chat ${chat_id}: ${reason}`),
  ]
}
