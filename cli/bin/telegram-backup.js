#!/usr/bin/env node
// Plain JavaScript without static imports, so that an older Node can start it: it hands over to the Node 24 that was installed
// with the program, or says what is wrong instead of failing on what it does not know.

const OLDEST_MAJOR = 24
const majorOf = version => Number(version.split('.')[0])

// Everybody on the machine can read a process's arguments, and a URL among them may hold a password.
const command = process.argv[2] ?? ''
process.title = /^[a-z]+$/.test(command) ? `telegram-backup ${command}` : 'telegram-backup'

if (majorOf(process.versions.node) >= OLDEST_MAJOR) await run()
else await handOver()

async function run() {
  const { enableCompileCache } = await import('node:module')
  const { homedir } = await import('node:os')
  const { isAbsolute, join } = await import('node:path')
  // Not in the temporary folder, which is Node's default: what others can write there would run here.
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  if (isAbsolute(cache)) enableCompileCache(join(cache, 'telegram-backup'))
  const { main } = await import('#cli.ts')
  process.exitCode = await main(process.argv.slice(2), process)
}

async function handOver() {
  const { fileURLToPath } = await import('node:url')
  const node = await findNode()
  if (node === undefined) {
    process.stderr.write(
      `telegram-backup needs Node ${OLDEST_MAJOR} or newer; this is Node ${process.versions.node}, and none was installed with it.\n` +
        'npm brings one along, unless --omit=optional or --ignore-scripts is on: install again without them, or install Node 24.\n',
    )
    process.exit(2)
  }
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  if (process.execve === undefined) await follow(node, args)
  else {
    // That it is experimental is nothing to the user.
    process.emitWarning = () => {}
    process.execve(node, [node, ...args], process.env)
  }
}

/** Only where npm puts it for this package, its workspace, or what it is installed beside; nobody's folder further up. */
async function findNode() {
  const { existsSync, readFileSync } = await import('node:fs')
  const { fileURLToPath } = await import('node:url')
  const isInstalled = new URL('../../../', import.meta.url).pathname.endsWith('/node_modules/')
  const beside = isInstalled ? '../../../node/' : '../../node_modules/node/'
  for (const folder of ['../node_modules/node/', beside]) {
    try {
      const { name, version } = JSON.parse(
        readFileSync(new URL(`${folder}package.json`, import.meta.url), 'utf8'),
      )
      const program = new URL(`${folder}bin/node`, import.meta.url)
      if (existsSync(program) && name === 'node' && majorOf(version) >= OLDEST_MAJOR)
        return fileURLToPath(program)
    } catch {
      // Not here.
    }
  }
  return undefined
}

/** Without execve: as its parent, with the same files, signals and end. */
async function follow(node, args) {
  const { spawn } = await import('node:child_process')
  const env = { ...process.env, TELEGRAM_BACKUP_LAUNCHED_BY: String(process.pid) }
  const child = spawn(node, args, { stdio: 'inherit', env })
  // A terminal, and systemd when it stops a service, tell the child as well; by the variable it knows that the two are one.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2'])
    process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    process.stderr.write(`telegram-backup: ${node} cannot be started (${error.code})\n`)
    process.exit(2)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
