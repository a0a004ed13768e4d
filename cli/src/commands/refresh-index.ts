import type { Database } from '@telegram-backup/database'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import type { CommandContext } from '#commands/command.ts'

/**
 * Updates the indexes in the chats after a schedule, a policy or a pin was changed. Never fails; problems
 * become a note.
 */
export async function tellTheIndex(
  { config, output, signal }: CommandContext,
  database: Database,
): Promise<void> {
  const { refreshQuietly } = await import('@telegram-backup/engine/service/fresh-indexes.ts')
  const openClient = () => openTelegram(config)
  await refreshQuietly({ config, database, openClient, signal, note: line => output.note(line) })
}
