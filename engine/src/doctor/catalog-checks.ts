import { type Database, queryBackups, rolesWithRights } from '@telegram-backup/database'
import { hint, run } from '@telegram-backup/errors'
import { createCatalogVault } from '@telegram-backup/vault/ledger/catalog-vault.ts'
import { checkChatAccess, guardChat } from 'telegram-deployment-bot'
import { clockDifference } from '#clock-check.ts'
import { readConfigFile } from '#config/config-file.ts'
import type { CheckScope, Finding } from '#doctor/check.ts'
import type { Config } from '#environment.ts'
import { describeUnserved } from '#schedules/unserved-sources.ts'
import { openCatalog, openTelegram } from '#wiring.ts'

/** Whether the catalog can be opened and owns the chat, and what a person should know about it. */
export async function checkCatalog({ config, signal }: CheckScope): Promise<Finding> {
  const notes: string[] = []
  const database = await openCatalog(config, signal, { note: line => notes.push(line) })
  try {
    await checkOwner(config, database, signal)
    const { total } = await queryBackups(database, { state: 'sending', limit: 1 })
    const message = `ready in ${database.location}`
    // The check of the file reports what is wrong with it.
    const sourceNames = (await readConfigFile(config).catch(() => undefined))?.sourceNames
    const unfinished =
      total === 0
        ? undefined
        : `${total} ${total === 1 ? 'send runs or was' : 'sends run or were'} interrupted: ${hint`${run('list', { state: 'sending' })}; show lists what is in the chat.`}`
    const warnings = [
      ...notes,
      await clockDifference(database),
      await rightsOfOthers(database),
      sourceNames && (await describeUnserved(database, sourceNames)),
      unfinished,
    ].filter(text => text !== undefined)
    return { message, warning: warnings.length === 0 ? undefined : warnings.join(' ') }
  } finally {
    await database.close()
  }
}

/** Other roles with rights in the catalog. Opening the catalog already refuses foreign owners. */
async function rightsOfOthers(database: Database): Promise<string | undefined> {
  const roles = await rolesWithRights(database)
  if (roles.length === 0) return undefined
  return `Other roles than the catalog’s user have rights in its schemas control_plane and pgboss: ${roles.join(', ')}. A role that may write there can create an API key: REVOKE what is not intended.`
}

/**
 * Throws when the chat belongs to another catalog. The check of the chat reports what else is wrong with it.
 */
async function checkOwner(config: Config, database: Database, signal: AbortSignal): Promise<void> {
  if (config.token === undefined || config.chatId === undefined) return
  const client = await openTelegram(config)
  const access = await checkChatAccess(client, config.chatId, { signal }).catch(() => undefined)
  if (access) await guardChat(client, createCatalogVault(database), access, { signal })
}
