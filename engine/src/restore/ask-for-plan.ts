import { fileURLToPath } from 'node:url'
import { restoreOf } from '@telegram-backup/connectors/registry.ts'
import type {
  DatabasePart,
  OutsideAllowance,
  PlannedRestore,
  RestoreConnector,
  RestoreStep,
  RestoreWishes,
} from '@telegram-backup/connectors/restoring.ts'
import type { BackupDetails } from '@telegram-backup/database'
import type { Config } from '#environment.ts'
import type { RestoreTarget } from '#restore/restore-target.ts'

export type { DatabasePart, OutsideAllowance, RestoreStep, RestoreWishes }

export interface RestorePlan extends PlannedRestore {
  readonly makes: RestoreConnector['makes']
}

/** Checks the target, and changes nothing. Throws why it cannot be restored into. */
export async function askForPlan(
  target: RestoreTarget,
  backup: BackupDetails,
  { wishes, config, signal }: { wishes: RestoreWishes; config: Config; signal: AbortSignal },
): Promise<RestorePlan> {
  const { makes, plan } = restoreOf(target)
  const keep = [
    config.stateFolder,
    ...[config.identityFile, config.signingKeyFile, config.configFile].filter(file => file !== undefined),
    fileURLToPath(import.meta.resolve('#package.json')),
  ]
  return { makes, ...(await plan(target, backup, { wishes, keep, signal })) }
}
