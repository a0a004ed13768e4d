#!/usr/bin/env node
// Plain JavaScript without static imports, so that an older Node can say what is wrong instead of failing on what it
// does not know.

// Everybody on the machine can read a process's arguments, and a URL among them may hold a password.
const command = process.argv[2] ?? ''
process.title = /^[a-z]+$/.test(command) ? `telegram-backup ${command}` : 'telegram-backup'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `telegram-backup needs Node 24 or newer; this is Node ${process.versions.node}.\n` +
      'Inside the project, "npx telegram-backup" uses the Node 24 that "npm ci" brought (not with --omit=optional\n' +
      'or --ignore-scripts). From elsewhere, start this file with that node_modules/node/bin/node, or install Node 24.\n',
  )
  process.exit(2)
}
const { enableCompileCache } = await import('node:module')
const { homedir } = await import('node:os')
const { isAbsolute, join } = await import('node:path')
// Not in the temporary folder, which is Node's default: what others can write there would run here.
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
if (isAbsolute(cache)) enableCompileCache(join(cache, 'telegram-backup'))
const { main } = await import('#cli.ts')
process.exitCode = await main(process.argv.slice(2))
