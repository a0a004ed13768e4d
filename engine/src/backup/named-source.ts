import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import { BackupError, describeError } from '@telegram-backup/errors'
import { assertProjectId } from 'telegram-deployment-bot'
import { planSource, type SendPlan } from '#backup/send-plan.ts'
import type { ConfigFile } from '#config/config-file.ts'

/**
 * The plan of a source of telegram-backup.yaml, read as a backup of today reads it. Opens nothing. Throws
 * `CONFIGURATION` for an unknown name, and for a source that cannot be backed up.
 */
export async function planNamedSource(
  name: string,
  configFile: Pick<ConfigFile, 'source'>,
): Promise<SendPlan> {
  const settings = configFile.source(name)
  try {
    const plan = planSource(settings)
    assertProjectId(plan.project)
    await connectorOf(plan.source).assertUsable?.(plan.source)
    return plan
  } catch (error) {
    const { message, hint } = describeError(error)
    throw new BackupError(`The source ${JSON.stringify(name)} cannot be backed up: ${message}`, {
      code: 'CONFIGURATION',
      cause: error,
      hint,
    })
  }
}
