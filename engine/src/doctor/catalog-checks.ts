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

/** Whether the catalog can be opened, is the chat's owner, and what it tells that somebody should know. */
export async function checkCatalog({ config, signal }: CheckScope): Promise<Finding> {
  const notes: string[] = []
  const database = await openCatalog(config, signal, { note: words => notes.push(words) })
  try {
    await checkOwner(config, database, signal)
    const { total } = await queryBackups(database, { state: 'sending', limit: 1 })
    const message = `ready in ${database.location}`
    // What is wrong with the file, its own check says.
    const sourceNames = (await readConfigFile(config).catch(() => undefined))?.sourceNames
    const brokenOff =
      total === 0
        ? undefined
        : `${total} ${total === 1 ? 'send is' : 'sends are'} under way or broke off: ${hint`${run('list', { state: 'sending' })}; show tells what is in the chat.`}`
    const warnings = [
      ...notes,
      await clockDifference(database),
      await rightsOfOthers(database),
      sourceNames && (await describeUnserved(database, sourceNames)),
      brokenOff,
    ].filter(text => text !== undefined)
    return { message, warning: warnings.length === 0 ? undefined : warnings.join(' ') }
  } finally {
    await database.close()
  }
}

/**
 * Roles other than the catalog's user with rights there: a role that may write can make itself an API key.
 * Foreign owners are refused when the catalog is opened.
 */
async function rightsOfOthers(database: Database): Promise<string | undefined> {
  const roles = await rolesWithRights(database)
  if (roles.length === 0) return undefined
  return `Others than the catalog’s user have rights in its schemas control_plane and pgboss: ${roles.join(', ')}. Whoever may write there can make an API key: REVOKE what is not meant so.`
}

/**
 * A chat that belongs to another catalog takes no backup of this one. What else is wrong with it, its own
 * check says.
 */
async function checkOwner(config: Config, database: Database, signal: AbortSignal): Promise<void> {
  if (config.token === undefined || config.chatId === undefined) return
  const client = await openTelegram(config)
  const access = await checkChatAccess(client, config.chatId, { signal }).catch(() => undefined)
  if (access) await guardChat(client, createCatalogVault(database), access, { signal })
}
