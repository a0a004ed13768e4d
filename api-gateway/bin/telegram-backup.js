#!/usr/bin/env node
// Plain JavaScript, so that an older Node can say what is wrong instead of failing on the syntax behind it.
import { enableCompileCache } from 'node:module'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `telegram-backup needs Node 24 or newer; this is Node ${process.versions.node}.\n` +
      'Start it with "npx telegram-backup", which uses the Node 24 that npm ci brought, or install Node 24.\n',
  )
  process.exit(2)
}
enableCompileCache()
const { main } = await import('#cli.ts')
process.exitCode = await main(process.argv.slice(2))
