import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSampleDatabase, type SampleDatabase } from '@telegram-backup/cli/demo/sample-database.ts'
import { FIRST_SHOP, loseLogs, ordersOfDay, writeDocuments, writeLogs } from '#start/sample-data.ts'
import { type SampleServer, SHOP_ROLE } from '#start/sample-server.ts'

/** One of the three sources, with its schedule. */
export interface SampleSource {
  name: string
  cron: string
  timezone: string
  /** Its lines in telegram-backup.yaml. */
  settings: string
  /** Makes it as it is when the run of that day begins, 0 for the first. */
  change(of: { day: number; at: Date; isLast: boolean }): Promise<void>
}

export const SHOP = 'shop'
export const DOCUMENTS = 'documents'

/** Of a source in another time zone than its viewers. */
const SHOP_ZONE = 'Europe/Berlin'
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** The variable with the URL of the sample's server, without a database. */
export const SHOP_SERVER_VARIABLE = 'SAMPLE_SHOP_SERVER'

export function shopServerUrl(port: number, password: string): string {
  return `postgresql://${SHOP_ROLE}:${password}@127.0.0.1:${port}`
}

/** The shop in a server: `pg_dump` reads it, and a backup can be restored into a new database beside it. */
export function shopInServer(server: SampleServer): SampleSource {
  return {
    ...{ name: SHOP, cron: '15 3 * * *', timezone: SHOP_ZONE },
    settings: `project: shop\n    type: database\n    postgres: \${${SHOP_SERVER_VARIABLE}}/shop`,
    change: async ({ day }) => {
      const statements = day === 0 ? `SET ROLE ${SHOP_ROLE}; ${FIRST_SHOP}` : ordersOfDay(day)
      await server.execute('shop', statements)
    },
  }
}

/** The shop as a dump in a file, where there is no server; a database in this process writes it. */
export function shopInFile(folder: string, why: string): SampleSource & { close(): Promise<void> } {
  const file = join(folder, 'shop.sql')
  let opening: Promise<SampleDatabase> | undefined
  return {
    ...{ name: 'shop-dump-file', cron: '15 3 * * *', timezone: SHOP_ZONE },
    settings: `project: shop\n    type: database\n    file: ${JSON.stringify(file)}\n    caption: ${JSON.stringify(`A dump as a file: ${why}.`)}`,
    change: async ({ day }) => {
      opening ??= openSampleDatabase({ filled: true })
      const database = await opening
      if (day > 0) await database.execute(ordersOfDay(day))
      await writeFile(file, await database.dump())
    },
    close: async () => await (await opening)?.close(),
  }
}

export function documents(folder: string): SampleSource {
  const place = join(folder, DOCUMENTS)
  return {
    ...{ name: DOCUMENTS, cron: '30 2 * * *', timezone: OWN_ZONE },
    settings: `project: office\n    type: storage\n    directory: ${JSON.stringify(place)}`,
    change: async ({ day }) => await writeDocuments(place, day),
  }
}

/** Its last backup is much smaller than the others, which is the alert of the sample. */
export function logs(folder: string): SampleSource & { repair(): Promise<void> } {
  const place = join(folder, 'logs')
  return {
    ...{ name: 'logs', cron: '45 3 * * *', timezone: OWN_ZONE },
    settings: `project: web\n    type: logs\n    directory: ${JSON.stringify(place)}`,
    change: async ({ at, isLast }) => await (isLast ? loseLogs(place, at) : writeLogs(place, at)),
    repair: async () => await writeLogs(place, new Date()),
  }
}
