import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { PORTS, wholeNumber } from '@telegram-backup/cli/commands/command.ts'
import { shellWord } from '@telegram-backup/engine/units/shell-word.ts'
import { describeError, ExitCode, exitCodeOf, exitCodeOfSignal } from '@telegram-backup/errors'
import { DAYS } from '#start/history.ts'
import { Progress } from '#start/progress.ts'
import { type RunningSample, runSample } from '#start/sample.ts'
import { RESTIC_PASSWORD_FILE } from '#start/sample-bucket.ts'
import { defaultFolder, openSampleFolder } from '#start/sample-folder.ts'
import { FOLDER_TARGET, RESTORE_TARGET } from '#start/sample-settings.ts'

const USAGE = `npm start -- [OPTIONS]
  --folder FOLDER  keeps the sample there; another folder is another sample
  --fresh          begins anew
  --port N         of the page; without it 8080, or a free one
  --open           opens the page in a browser`

interface StartOptions {
  folder: string
  fresh: boolean
  open: boolean
  help: boolean
  port?: string | undefined
}

const progress = new Progress(text => process.stdout.write(text), process.stdout.isTTY === true)
const stop = new AbortController()
let signalled: NodeJS.Signals | undefined

function readOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      folder: { type: 'string', default: defaultFolder() },
      fresh: { type: 'boolean', default: false },
      open: { type: 'boolean', default: false },
      port: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  // `serve` would say so as well, but only after the days of history were made.
  if (values.port !== undefined) wholeNumber('--port', values.port, PORTS)
  return values
}

/** The first signal stops everything in order, the second one ends this process at once. */
function stopOn(name: NodeJS.Signals): void {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(exitCodeOfSignal(name))
    signalled = name
    progress.say('\nStopping …')
    stop.abort()
  })
}

function openInBrowser(link: string): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(opener, [link], { stdio: 'ignore', detached: true })
  child.on('error', () => progress.say('No browser could be opened: open the link yourself.'))
  child.unref()
}

function describeReady(sample: RunningSample, folder: string): string {
  const { link, isFirst, environmentFile } = sample
  return `
Ready in ${progress.seconds} s. This link signs you in as an administrator, once, within 15 minutes:

  ${link}
${isFirst ? `\n${whatToTry(sample)}\n` : ''}
On the command line, in this folder:
  node cli/bin/telegram-backup.js status --env-file ${shellWord(environmentFile)}

Everything lies in ${folder}.
Ctrl-C stops everything. "npm start" goes on from there, "npm start -- --fresh" begins anew.`
}

function whatToTry({ noServer }: RunningSample): string {
  const restore =
    noServer === null
      ? `- Restore the shop: its newest backup, "Restore", into the new database ${RESTORE_TARGET}.`
      : `- Restore the documents: their newest backup, "Restore", into the new folder ${FOLDER_TARGET}.
- The shop is a dump as a file, since ${noServer}. To restore it into a database, install
  PostgreSQL's client programs (apt-get install postgresql-client), then: npm start -- --fresh`
  return `Try on the page:
- Mend the alert: the last backup of the logs is far too small. "Back up now" makes a whole one.
${restore}
- Watch the drill that runs just now: it proves that a backup can be restored.
- With restic: "Buckets", "laptop", "Create a door key". restic's password is in ${RESTIC_PASSWORD_FILE}, in the folder below.`
}

async function start({ folder: wanted, fresh, open, port }: StartOptions): Promise<void> {
  const folder = await openSampleFolder(wanted, { fresh })
  const { signal } = stop
  try {
    progress.say(
      folder.state === null
        ? `A sample: three sources, a bucket of restic, ${DAYS} days of backups, and the page. Real Telegram is not used.`
        : `The sample in ${folder.path} goes on. Real Telegram is not used.`,
    )
    await runSample({ folder, port, progress, signal }, async sample => {
      progress.say(describeReady(sample, folder.path))
      if (open) openInBrowser(sample.link)
      const stopped = new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.race([stopped, sample.ended])
    })
    progress.say(`Everything is stopped. The sample stays in ${folder.path}.`)
  } finally {
    folder.release()
  }
}

/** Runs until a signal comes; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) stopOn(name)
  try {
    const options = readOptions(args)
    if (options.help) progress.say(USAGE)
    else await start(options)
  } catch (error) {
    if (!stop.signal.aborted) {
      const { message, hint = error instanceof TypeError ? USAGE : undefined } = describeError(error)
      process.stderr.write(`error: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`)
      return error instanceof TypeError ? ExitCode.USAGE : exitCodeOf(error)
    }
  }
  return signalled === undefined ? ExitCode.DONE : exitCodeOfSignal(signalled)
}
