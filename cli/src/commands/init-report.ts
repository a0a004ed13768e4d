import type { InitResult, StageReport } from '@telegram-backup/engine/operations/init.ts'
import { describeError, ExitCode } from '@telegram-backup/errors'
import {
  describeVerified,
  shownVerification,
  verifiedBackup,
  verifyExitCode,
} from '#commands/verify-report.ts'

const MARKS: Readonly<Record<StageReport['state'], string>> = { there: 'ok', made: 'done', open: 'TODO' }
const LONGEST_STAGE = 13

/** The lines of a stage that has ended. */
export function describeStage({ stage, state, message, hint }: StageReport): string[] {
  return [
    `${MARKS[state].padEnd(4)}  ${stage.padEnd(LONGEST_STAGE)}  ${message}`,
    ...(hint === undefined ? [] : [`${' '.repeat(LONGEST_STAGE + 8)}→ ${hint}`]),
  ]
}

/** The set-up as JSON. It holds no secret. */
export function shownInit(result: InitResult): Record<string, unknown> {
  const { folder, environmentFile, configFile, bot, chat, keys, recoveryKey, sources, service } = result
  const { recovery, drill } = keys
  return {
    success: initExitCode(result) === ExitCode.DONE,
    changed: result.stages.some(({ state }) => state === 'made'),
    folder,
    environment_file: environmentFile,
    config_file: configFile ?? null,
    bot,
    chat: { id: chat.chatId, title: chat.chatTitle, type: chat.chatType },
    keys: {
      recipients: keys.recipients,
      recovery: recovery === undefined ? null : { recipient: recovery.recipient, ...shownKey(recoveryKey) },
      drill: drill ?? null,
    },
    sources: sources.map(({ name, project, type, backup, error, proof, schedule }) => ({
      ...{ name, project_id: project, type, backup_id: backup?.id ?? null },
      ...(error !== undefined && { error: describeError(error) }),
      proof: proof === undefined ? shownEarlierProof(backup?.verified_at) : verifiedBackup(proof),
      schedule: schedule && { id: schedule.id, cron: schedule.cron, timezone: schedule.timezone },
    })),
    to_add: result.toAdd ?? null,
    recovery_card: result.card.file,
    service: { unit: service.unit ?? null, installed: service.isInstalled, commands: service.commands },
    stages: result.stages,
    findings: result.checks,
  }
}

function shownKey(key: InitResult['recoveryKey']): Record<string, unknown> {
  return { file: key?.file ?? null, confirmed: key?.isConfirmed ?? false }
}

function shownEarlierProof(at: Date | null | undefined): Record<string, unknown> | null {
  return at ? { success: true, state: 'sound', verified_at: at } : null
}

/** The set-up for people, after its stages were shown one by one. */
export function describeInit(result: InitResult): string {
  const { sources, toAdd, card, checks, stages, configFile } = result
  const proofs = sources.flatMap(({ proof }) => (proof === undefined ? [] : [shownVerification(proof)]))
  const failed = checks.filter(({ state }) => state === 'failed')
  return [
    ...proofs.map(proof => `\n${describeVerified(proof)}`),
    ...(toAdd === undefined ? [] : [`\nAdd this to ${configFile}:\n\n${toAdd.trimEnd()}`]),
    ...(card.text === undefined ? [] : [`\n${card.text}`]),
    ...failed.map(
      ({ name, message, hint }) => `\n${name}: ${message}${hint === undefined ? '' : `\n→ ${hint}`}`,
    ),
    `\n${closingWords(result, stages)}`,
  ]
    .join('\n')
    .trimStart()
}

function closingWords(result: InitResult, stages: InitResult['stages']): string {
  const open = stages.filter(({ state }) => state === 'open')
  const isChanged = stages.some(({ state }) => state === 'made')
  // The recovery card has moved the stages off the screen.
  const left = open.length === 0 ? '' : ` Left to do:\n${open.flatMap(describeStage).join('\n')}`
  if (!isChanged && open.length === 0) return 'This machine is set up. Nothing was changed.'
  const [source] = result.sources
  const restore =
    source === undefined ? '' : `\nRestore: telegram-backup restore latest:${source.name} --to TARGET`
  return `${isChanged ? 'This machine is set up.' : 'Nothing was changed.'}${left}\nLook:    telegram-backup list${restore}`
}

/** 5 if damage was found; 3 if a source has no backup or proof, or is to be added by hand. */
export function initExitCode({ sources, toAdd, stages }: InitResult): ExitCode {
  const proofs = sources.flatMap(({ proof }) => (proof === undefined ? [] : [verifiedBackup(proof)]))
  if (verifyExitCode(proofs) === ExitCode.INTEGRITY) return ExitCode.INTEGRITY
  const isOpen = (stage: StageReport['stage']): boolean =>
    stages.some(report => report.stage === stage && report.state === 'open')
  const isPartial = isOpen('sources') || isOpen('first backup') || isOpen('proof')
  return isPartial || toAdd !== undefined ? ExitCode.PARTIAL : ExitCode.DONE
}
