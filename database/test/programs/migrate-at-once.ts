// node migrate-at-once.ts URL   "ready", then waits for a line on stdin, migrates, and says how many it applied
import { once } from 'node:events'
import { migrate, openDatabase } from '#index.ts'

const database = await openDatabase({ url: process.argv[2] ?? '' })
console.log('ready')
await once(process.stdin, 'data')
console.log(`applied ${(await migrate(database)).length}`)
await database.close()
process.exit()
