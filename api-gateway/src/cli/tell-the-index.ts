import type { Database } from '@telegram-backup/database'
import type { CommandContext } from '#cli/command.ts'
import { openTelegram } from '#wiring.ts'

/** After a schedule, a policy or a pin was changed: has the indexes in the chats say so. Never fails; what it could not do is a note. */
export async function tellTheIndex(
  { config, output, signal }: CommandContext,
  database: Database,
): Promise<void> {
  const { refreshQuietly } = await import('#settling/fresh-indexes.ts')
  const openClient = () => openTelegram(config)
  await refreshQuietly({ config, database, openClient, signal, note: line => output.note(line) })
}
