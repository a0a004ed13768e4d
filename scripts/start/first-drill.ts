import { queryBackups } from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openCatalog, openJobQueue } from '@telegram-backup/engine/wiring.ts'
import type { SampleEnvironment } from '#start/sample-settings.ts'

/** Asks the service for a drill of the newest backup of a source, as a button of the page does. */
export async function askForDrill(
  { variables }: SampleEnvironment,
  source: string,
  signal: AbortSignal,
): Promise<void> {
  const database = await openCatalog(readConfig(variables), signal)
  try {
    const { data } = await queryBackups(database, { state: 'complete' })
    const newest = data.find(({ source_name }) => source_name === source)
    const queue = await openJobQueue(database, { tends: false })
    try {
      if (newest !== undefined)
        await queue.submit({ kind: 'drill', projectId: newest.project_id, backupId: newest.id, source })
    } finally {
      await queue.stop()
    }
  } finally {
    await database.close()
  }
}
