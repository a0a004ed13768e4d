import { fileURLToPath } from 'node:url'
import { restoreOf } from '@telegram-backup/connectors/registry.ts'
import type {
  DatabasePart,
  OutsideAllowance,
  OwnerWishes,
  PlannedRestore,
  RestoreConnector,
  RestoreStep,
  RestoreWishes,
} from '@telegram-backup/connectors/restoring.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError, hint, option } from '@telegram-backup/errors'
import type { Config } from '#environment.ts'
import type { SelectedPart } from '#restore/fetch-member.ts'
import type { RestoreTarget } from '#restore/restore-target.ts'

export type { DatabasePart, OutsideAllowance, OwnerWishes, RestoreStep, RestoreWishes }

export interface RestorePlan extends PlannedRestore {
  readonly makes: RestoreConnector['makes']
  /** Only of the part of a backup that is restored. */
  readonly part?: PartFacts | undefined
}

export interface PartFacts {
  members: number
  /** How many parts in the chat are fetched, and their bytes there. */
  partCount: number
  archiveBytes: number
  /** Of the tar file, of these members. */
  plainBytes: number
}

function comesBackWhole(): BackupError {
  return new BackupError('Single files are restored only into a directory', {
    code: 'USAGE',
    hint: hint`Give ${option('to', 'DIRECTORY')}.`,
  })
}

/** Checks the target, and changes nothing. Throws why it cannot be restored into. */
export async function askForPlan(
  target: RestoreTarget,
  backup: BackupDetails,
  of: { wishes: RestoreWishes; config: Config; signal: AbortSignal; part?: SelectedPart | undefined },
): Promise<RestorePlan> {
  const { wishes, config, signal, part } = of
  const { makes, plan, planPart } = restoreOf(target)
  const keep = [
    config.stateFolder,
    ...[config.identityFile, config.signingKeyFile, config.configFile].filter(file => file !== undefined),
    fileURLToPath(import.meta.resolve('#package.json')),
  ]
  if (part === undefined) return { makes, ...(await plan(target, backup, { wishes, keep, signal })) }
  if (planPart === undefined) throw comesBackWhole()
  const { selection, partCount, archiveBytes, plainBytes } = part
  const facts = { members: selection.chosen.length, partCount, archiveBytes, plainBytes }
  return { makes, part: facts, ...(await planPart(target, backup, { selection, wishes, keep, signal })) }
}
