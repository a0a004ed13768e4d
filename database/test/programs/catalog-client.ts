// One user of an embedded catalog in a process of its own, for tests that kill it.
// node catalog-client.ts FOLDER write COUNT   one backup after the other, "ack ID" for each that is committed
// node catalog-client.ts FOLDER hold          "ready", then waits for the end of stdin and closes
// node catalog-client.ts FOLDER leave-open    uses the catalog and never closes it
import { CatalogError, createBackup, migrate, openDatabase, queryBackups } from '#index.ts'

const [dataDir = '', action, count] = process.argv.slice(2)

try {
  const database = await openDatabase({ dataDir })
  const applied = await migrate(database)
  if (action === 'write') {
    for (let written = 0; written < Number(count); written++) {
      const { id } = await createBackup(database, {
        project_id: 'kills',
        type: 'logs',
        file_id: 'f',
        size: written,
      })
      console.log(`ack ${id}`)
    }
  } else if (action === 'hold') {
    console.log(`ready ${applied.length}`)
    for await (const _ of process.stdin);
  } else {
    const { total } = await queryBackups(database)
    console.log(`total ${total}`)
  }
  if (action !== 'leave-open') await database.close()
} catch (error) {
  const hint = error instanceof CatalogError ? ` (${error.code}; ${error.hint})` : ''
  console.error(`${error}${hint}`)
  process.exitCode = 3
}
