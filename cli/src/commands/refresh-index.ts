import type { Database } from '@telegram-backup/database'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import type { CommandContext } from '#commands/command.ts'

/**
 * Updates the indexes in the chats after a change of schedules, policies or pins. A failure is only noted.
 */
export async function updateIndexes(
  { config, signal, note }: CommandContext,
  database: Database,
): Promise<void> {
  const { refreshQuietly } = await import('@telegram-backup/engine/service/fresh-indexes.ts')
  await refreshQuietly({ config, database, openClient: () => openTelegram(config), signal, note })
}
