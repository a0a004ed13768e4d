import { type Database, queryBackups } from '@telegram-backup/database'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'

/** Asks the service for a drill of the newest backup of a source, as a button of the page does. */
export async function askForDrill(database: Database, source: string): Promise<void> {
  const { data } = await queryBackups(database, { state: 'complete' })
  const newest = data.find(({ source_name }) => source_name === source)
  if (newest === undefined) return
  const queue = await openJobQueue(database, { tends: false })
  try {
    await queue.submit({ kind: 'drill', projectId: newest.project_id, backupId: newest.id, source })
  } finally {
    await queue.stop()
  }
}
