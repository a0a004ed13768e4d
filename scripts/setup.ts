// `npm run setup` puts the command telegram-backup on the PATH: for everybody as root, else for this user.
// What it writes is a shell script with absolute paths, not a link: cron and systemd start programs with a
// bare PATH on which there may be no Node, or an old one.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = join(import.meta.dirname, '..')
const PROGRAM = join(ROOT, 'cli', 'bin', 'telegram-backup.js')
const NAME = 'telegram-backup'
const MARK = '# Made by "npm run setup".'
const WRITABLE_BY_OTHERS = 0o022

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`
}

const SCRIPT = `#!/bin/sh
${MARK} It runs the program in the folder below, and needs no Node on the PATH.
exec ${quoted(process.execPath)} -- ${quoted(PROGRAM)} "$@"
`

/** A command of this name that is not ours is never replaced. */
function mayReplace(place: string): boolean {
  const found = lstatSync(place, { throwIfNoEntry: false })
  if (found === undefined) return true
  try {
    return realpathSync(place).endsWith('/telegram-backup.js') || readFileSync(place, 'utf8').includes(MARK)
  } catch {
    // A link to a clone that was removed.
    return found.isSymbolicLink()
  }
}

/** Whoever may change the program's files decides what root runs. */
function warnOfOthers(): void {
  const { uid, mode } = statSync(ROOT)
  if (uid === 0 && (mode & WRITABLE_BY_OTHERS) === 0) return
  console.warn(
    `warning: other users can change the files in ${ROOT}, and so what root runs. Clone as root, for example into /opt/telegram-backup.`,
  )
}

function setUp(folder: string): void {
  const place = join(folder, NAME)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  if (!mayReplace(place)) {
    console.error(`error: ${place} is another program, and is not replaced`)
    console.error('hint: remove it, or name another folder of the PATH: npm run setup -- --to FOLDER')
    process.exitCode = 1
    return
  }
  const draft = `${place}.${randomUUID()}`
  writeFileSync(draft, SCRIPT, { flag: 'wx' })
  chmodSync(draft, 0o755)
  renameSync(draft, place)
  const version = execFileSync(place, ['--version'], {
    env: { PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  }).trim()
  console.log(
    `The command is ${place} (version ${version}). It runs the program in ${ROOT}: keep that folder.`,
  )
  const isOnPath = (process.env['PATH'] ?? '').split(delimiter).some(entry => resolve(entry) === folder)
  if (!isOnPath) {
    console.log(`${folder} is not on the PATH yet. Run this, and add it to ~/.profile:`)
    console.log(`  export PATH=${quoted(folder)}:"$PATH"`)
  }
  console.log(`In a crontab, write the whole path: 15 3 * * * ${place} send --source NAME`)
  console.log('Next: telegram-backup --help')
}

const isRoot = process.getuid?.() === 0
if (isRoot) warnOfOthers()
const { values } = parseArgs({ options: { to: { type: 'string' } } })
try {
  setUp(resolve(values.to ?? (isRoot ? '/usr/local/bin' : join(homedir(), '.local', 'bin'))))
} catch (error) {
  const { code, path } = error as NodeJS.ErrnoException
  if (path === undefined) throw error
  console.error(`error: ${path} cannot be written (${code})`)
  console.error('hint: name a folder of your own that is on the PATH: npm run setup -- --to FOLDER')
  process.exitCode = 1
}
