// `npm start`: the whole product with sample data, until Ctrl-C. `-- --folder FOLDER` keeps the sample there,
// `-- --fresh` begins anew, `-- --port N` takes that port, `-- --open` opens the page in a browser.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// The threads of each backup, too, take modules that were compiled before, instead of stripping types again.
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled-modules')
process.env['NODE_COMPILE_CACHE'] = cache
enableCompileCache(cache)
const { main } = await import('#start/main.ts')
process.exitCode = await main(process.argv.slice(2))
