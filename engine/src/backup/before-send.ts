import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import { CatalogError } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import {
  databaseFailure,
  type IntegratedBackupResult,
  telegramFailure,
} from '@telegram-backup/vault/send/integrated-result.ts'
import type { TelegramError } from 'telegram-deployment-bot'
import type { SendPlan } from '#backup/send-plan.ts'
import type { Config } from '#environment.ts'

/** Sentences that a person should read before the backup is sent. */
export async function warningsBefore({ source }: SendPlan, config: Config): Promise<string[]> {
  const isClear = config.encryption === 'off'
  const warnings = isClear ? ['BACKUP_ENCRYPTION is off; the backup is readable to everyone in the chat'] : []
  if (config.identityFile === undefined) return warnings
  if (!(await connectorOf(source).holdsFile?.(source, config.identityFile))) return warnings
  return [
    ...warnings,
    isClear
      ? 'the private key lies in the directory, and goes into the chat in clear'
      : 'the private key lies in the directory; the copy in the backup opens nothing, so keep another elsewhere',
  ]
}

/**
 * The result for a failure before anything was sent. `failedBefore`: Telegram was not asked for anything, so
 * it is not a failure of Telegram.
 */
export function failureBefore(error: unknown): IntegratedBackupResult & { failedBefore?: boolean } {
  // BUSY is no failure of the catalog: another run holds what this one needs.
  if (error instanceof CatalogError && error.code !== 'BUSY') return databaseFailure(error)
  const failure = telegramFailure({ success: false, error: describeError(error).message, cause: error })
  return { ...failure, failedBefore: !isOfChat(error) }
}

/** A token or a chat that Telegram refused, unlike a setting that is wrong by itself. */
function isOfChat(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'TelegramError') return false
  const { code, errorCode } = error as TelegramError
  return code !== 'CONFIGURATION' || errorCode !== undefined
}
