#!/usr/bin/env -S node --
// Plain JavaScript without static imports: an older Node can start this file, which then starts the Node 24
// that was installed with the program, or says what is wrong. Without the "--" above, Node itself would read
// the file of --env-file, and obey a NODE_OPTIONS in it, before this program can refuse the file.

const OLDEST_MAJOR = 24
const majorOf = version => Number(version.split('.')[0])

// Every user of the machine can read the arguments of a process, and a URL may hold a password.
const command = process.argv[2] ?? ''
process.title = /^[a-z]+$/.test(command) ? `telegram-backup ${command}` : 'telegram-backup'

// A service lives for months, with the bodies of many clients. Garbage of bodies would take up to 128 MiB
// more, and that of many small requests two thirds more.
const serviceOptions =
  command === 'serve' ? missing('--max-semi-space-size=16', '--heap-growing-percent=50') : []

if (majorOf(process.versions.node) < OLDEST_MAJOR) await handOver()
else {
  if (serviceOptions.length > 0) await restart()
  await run()
}

/** Those that nobody has set to another value. */
function missing(...options) {
  const given = [...process.execArgv, process.env.NODE_OPTIONS].join(' ')
  return options.filter(option => !given.includes(option.split('=')[0]))
}

/**
 * Node takes these options at its start alone. Where there is no execve (on Windows), or it is not allowed
 * (`--permission`), the service does without them.
 */
async function restart() {
  const { emitWarning } = process
  try {
    await replace(process.execPath, [...process.execArgv, ...serviceOptions])
  } catch {
    process.emitWarning = emitWarning
  }
}

async function replace(node, options) {
  const { fileURLToPath } = await import('node:url')
  const program = fileURLToPath(import.meta.url)
  // execve warns that it is experimental, which does not concern the user.
  process.emitWarning = () => {}
  process.execve(node, [node, ...options, '--', program, ...process.argv.slice(2)], process.env)
}

async function run() {
  const { enableCompileCache } = await import('node:module')
  const { homedir } = await import('node:os')
  const { isAbsolute, join } = await import('node:path')
  // Not in the temporary folder, which is Node's default: other users could write code there that runs here.
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  if (isAbsolute(cache)) enableCompileCache(join(cache, 'telegram-backup'))
  const { main } = await import('#cli.ts')
  process.exitCode = await main(process.argv.slice(2), process)
}

async function handOver() {
  const node = await findNode()
  if (node === undefined) {
    process.stderr.write(
      `telegram-backup needs Node ${OLDEST_MAJOR} or newer; this is Node ${process.versions.node}.\n` +
        'npm installs Node 24 with the program, unless --omit=optional or --ignore-scripts is set: install again without them, or install Node 24.\n',
    )
    process.exit(2)
  }
  if (process.execve === undefined) {
    const { fileURLToPath } = await import('node:url')
    const program = fileURLToPath(import.meta.url)
    await follow(node, [...serviceOptions, '--', program, ...process.argv.slice(2)])
  } else await replace(node, serviceOptions)
}

/** Looks only where npm puts it for this package or its workspace, never in a folder further up. */
async function findNode() {
  const { existsSync, readFileSync } = await import('node:fs')
  const { fileURLToPath } = await import('node:url')
  const isInstalled = new URL('../../../', import.meta.url).pathname.endsWith('/node_modules/')
  const sibling = isInstalled ? '../../../node/' : '../../node_modules/node/'
  for (const folder of ['../node_modules/node/', sibling]) {
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

/** Without execve: runs it as a child with the same files, signals and exit code. */
async function follow(node, args) {
  const { spawn } = await import('node:child_process')
  const env = { ...process.env, TELEGRAM_BACKUP_LAUNCHED_BY: String(process.pid) }
  const child = spawn(node, args, { stdio: 'inherit', env })
  // A terminal or systemd may signal the child too. By the variable, the child knows that the two signals are
  // one.
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
