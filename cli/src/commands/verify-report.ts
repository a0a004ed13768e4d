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
import {
  count,
  formatBytes,
  formatTable,
  formatTime,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { type DescribedError, describeError, ExitCode, exitCodeFor } from '@telegram-backup/errors'

/** A backup that was verified, or could not be, as the JSON of the command line names it. */
export interface VerifiedBackup {
  /** Sound, or mended, and nothing was left out; or there is nothing any more that could be wrong. */
  success: boolean
  id: string
  project_id: string
  type: string
  created_at: Date
  /** Files that its send was told to leave out, or that are torn. */
  missing_files: number
  /** skipped: of many, one that was erased before it had been verified. */
  state: VerificationReport['state'] | 'failed' | 'skipped'
  depth?: VerificationReport['depth']
  verification_id?: string
  parts?: number
  bytes?: number
  findings: readonly Finding[]
  unproven: VerificationReport['unproven']
  /** Where one was asked for. failed: it could not be restored, or not here · not made: its bytes are damaged. */
  drill?: DrillReport | ({ state: 'failed' } & Failure) | { state: 'not made' }
  /** Why one was skipped. */
  reason?: string
  /** Of one that is damaged, or could not be verified. */
  code?: string
  error?: string
  hint?: string
}

const MEND_HINT =
  'What a second chat still has comes back by itself (TELEGRAM_REPLICA_CHAT_ID); without one, make a new backup now, and keep another one of this source until it is made.'

/** How a verification is shown to programs. */
export function verifiedBackup(outcome: VerifyOutcome): VerifiedBackup {
  const { id, project_id, type, created_at } = outcome.backup
  const backup = { id, project_id, type, created_at, missing_files: countMissingFiles(outcome.backup) }
  if ('skipped' in outcome) {
    const { skipped: reason } = outcome
    return { success: true, ...backup, state: 'skipped', reason, findings: [], unproven: [] }
  }
  if ('error' in outcome) {
    return {
      success: false,
      ...backup,
      state: 'failed',
      findings: [],
      unproven: [],
      ...failureOf(outcome.error),
    }
  }
  const { id: verification_id, state, depth, parts, bytes, findings, unproven } = outcome.report
  const damage = findings.filter(({ mended }) => !mended)
  const { drill } = outcome
  const drilled = drill === undefined ? undefined : shownDrill(drill)
  return {
    success: isSound(outcome),
    ...backup,
    ...{ state, depth, verification_id, parts, bytes, findings, unproven },
    ...(drilled && { drill: drilled }),
    ...(drilled?.state === 'differs' && differenceIn(drilled)),
    ...(drilled?.state === 'failed' && { code: drilled.code, error: drilled.error, ...hintOf(drilled) }),
    ...(damage.length > 0 && {
      code: 'INTEGRITY',
      error: damage.map(({ reason }) => reason).join('; '),
      hint: MEND_HINT,
    }),
  }
}

/** A verification for people, with the words for the files that its backup lacks. */
export type ToldVerification = VerifiedBackup & { missing?: string | undefined }

export function toldVerification(outcome: VerifyOutcome): ToldVerification {
  return { ...verifiedBackup(outcome), missing: missingWords(outcome.backup) }
}

type Failure = { code: string; error: string; hint?: string }

function shownDrill(drill: DrillOutcome): NonNullable<VerifiedBackup['drill']> {
  if (drill === 'damaged') return { state: 'not made' }
  return 'error' in drill ? { state: 'failed', ...failureOf(drill.error) } : drill
}

function hintOf({ hint }: Failure): { hint?: string } {
  return hint === undefined ? {} : { hint }
}

function failureOf(error: unknown): Failure {
  const { code, message, hint }: DescribedError = describeError(error)
  return { code, error: message, ...(hint === undefined ? {} : { hint }) }
}

/**
 * 5 when damage was found, no key opens one, or one that was restored is not as it was; 3 when some could not be verified or
 * drilled, or not in every chat. Of a single one whose drill failed, what that failure stands for.
 */
export function verifyExitCode(verified: readonly VerifiedBackup[]): ExitCode {
  const codes = verified.flatMap(({ code, unproven }) => [code, ...unproven.map(one => one.code)])
  if (codes.some(code => exitCodeFor(code) === ExitCode.INTEGRITY)) return ExitCode.INTEGRITY
  const [one, ...others] = verified
  if (others.length === 0 && one?.drill?.state === 'failed') return exitCodeFor(one.drill.code)
  return verified.every(({ success }) => success) ? ExitCode.DONE : ExitCode.PARTIAL
}

/** One backup, in a few lines. */
export function describeVerified(verified: ToldVerification): string {
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

/** Bytes that are wrong keep a backup from being opened as well as a key does. */
function depthOf({ depth = 'messages', state, unproven }: VerifiedBackup): string {
  const isForWantOfKey =
    state !== 'damaged' || unproven.some(({ code }) => code === 'WRONG_KEY' || code === 'NO_KEY')
  if (depth !== 'sent bytes' || isForWantOfKey) return DEPTHS[depth]
  return 'Every byte that could be fetched was compared with what was sent; the damage kept it from being decrypted.'
}

const DEPTHS: Readonly<Record<VerificationReport['depth'], string>> = {
  messages: 'Checked only that the messages exist; --read-data reads every byte.',
  'sent bytes': 'Every byte was compared with what was sent; not decrypted: no matching key.',
  'plain bytes': 'Every byte was compared with what was sent, and decrypted to the end.',
}

/** Many backups as a table, and what is wrong with any. */
export function describeAllVerified(all: readonly ToldVerification[]): string {
  const heading = ['ID', 'PROJECT', 'TYPE', 'CREATED', 'RESULT', 'MESSAGES', 'READ']
  const rows = all.map(({ id, project_id, type, created_at, state, depth, parts, bytes, missing }) => [
    id,
    project_id,
    type,
    formatTime(created_at),
    withWords(state === 'damaged' ? 'DAMAGED' : state, missing),
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
  return [
    formatTable([heading, ...rows]),
    ...reasons,
    ...skipped.map(({ id, reason }) => `${id}: skipped: ${reason}`),
    sum,
    ...describeDepths(all),
    ...(damaged > 0 ? [`hint: ${MEND_HINT}`] : []),
  ].join('\n')
}

/** What `sound` means here, wherever less was done than could be. */
function describeDepths(all: readonly VerifiedBackup[]): string[] {
  const unopened = all.filter(({ depth }) => depth === 'sent bytes').length
  if (all.some(({ depth }) => depth === 'messages')) return [DEPTHS.messages]
  if (unopened === 0) return []
  return [`${count(unopened, 'backup')} read as sent, and not opened: no key file here opens them.`]
}

function drillLines({ drill }: VerifiedBackup): string[] {
  if (drill === undefined) return []
  if (drill.state === 'not made') return ['Drill: not made, since the bytes are damaged.']
  return drill.state === 'failed' ? [`Drill: FAILED: ${drill.error}`] : describeDrill(drill)
}

function findingLines({ findings, unproven }: VerifiedBackup): string[] {
  return [
    ...findings.map(
      ({ reason, finding, mended }) => `${mended ? 'mended' : 'WRONG '}  ${finding}: ${reason}`,
    ),
    ...unproven.map(({ chat_id, reason }) => `left    chat ${chat_id}: ${reason}`),
  ]
}

/** The result of a drill, in a few lines. */
function describeDrill(report: DrillReport): string[] {
  if (report.state === 'nothing to restore') return [`Drill: ${report.reason}`]
  const { state, where, compared, differences, notes, seconds } = report
  const what =
    compared === null
      ? ''
      : 'members' in compared
        ? count(compared.members, 'member')
        : `${count(compared.tables, 'table')} with ${count(compared.rows, 'row')}, sequences and objects`
  const ends = {
    passed: `as it was when it was backed up: ${what}`,
    'not compared': 'and that is all that can be said: there is no record of its source to compare with',
    differs: `NOT as it was: ${count(differences.length, 'difference')}, compared ${what}`,
  }
  return [
    ...differences.map(({ reason }) => `DIFFERS ${reason}`),
    ...notes.map(note => `note    ${note}`),
    `Drill: restored in ${where} within ${Math.round(seconds)} s, ${ends[state]}.`,
  ]
}
