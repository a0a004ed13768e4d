// node migrate-at-once.ts URL [FOLDER]   "ready", then waits for a line on stdin, migrates, and says how many
// it applied
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { migrate, openDatabase } from '#index.ts'
import { applyMigrations } from '#migrate.ts'

const [url = '', folder] = process.argv.slice(2)
const database = await openDatabase({ url })
console.log('ready')
await once(process.stdin, 'data')
const applied = await (folder ? applyMigrations(database.kysely, pathToFileURL(folder)) : migrate(database))
console.log(`applied ${applied.length}`)
await database.close()
process.exit()
