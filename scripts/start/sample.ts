import { createWriteStream, type WriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmulator } from '@telegram-backup/bot-api-emulator'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { openCatalog } from '@telegram-backup/engine/wiring.ts'
import { describeError } from '@telegram-backup/errors'
import { askForDrill } from '#start/first-drill.ts'
import { DAYS, makeHistory } from '#start/history.ts'
import { OwnProgram } from '#start/own-program.ts'
import type { Progress } from '#start/progress.ts'
import { laptop } from '#start/sample-bucket.ts'
import {
  FIRST_HOME,
  newState,
  type SampleFolder,
  type SampleState,
  SERVER_DATA,
  SERVER_PROGRAMS,
} from '#start/sample-folder.ts'
import { type SampleServer, startSampleServer } from '#start/sample-server.ts'
import {
  makeKey,
  type SampleEnvironment,
  writeConfiguration,
  writeEnvironment,
} from '#start/sample-settings.ts'
import {
  DOCUMENTS,
  documents,
  logs,
  type SampleSource,
  SHOP,
  shopInFile,
  shopInServer,
  shopServerUrl,
} from '#start/sample-sources.ts'
import { copyServerPrograms, findServerPrograms } from '#start/server-programs.ts'
import { makeSignInLink } from '#start/sign-in-link.ts'

/** Everything that `npm start` runs. */
export interface RunningSample {
  /** Opens the page and signs in; works once. */
  link: string
  /** Whether this start made it. */
  isFirst: boolean
  /** Why the database is a dump as a file; null when it is in a server. */
  noServer: string | null
  /** For other commands: `--env-file`. */
  environmentFile: string
  /** Settles when the service ends by itself. */
  ended: Promise<void>
}

interface Starting {
  folder: SampleFolder
  /** Of the page; by default 8080, or a free one when that is in use. */
  port: string | undefined
  progress: Progress
  signal: AbortSignal
}

/** The log is for people, and nobody waits long for Ctrl-C. */
const SERVE_OPTIONS = ['--log-format', 'pretty', '--grace', '2s']

/** What was started, to be stopped in the reverse order. */
type Stops = Array<() => Promise<unknown>>

/**
 * Starts the sample: the first time with a history, later where the last start ended. `use` gets it while it
 * runs; afterwards, and when something fails, everything is stopped.
 */
export async function runSample(
  starting: Starting,
  use: (sample: RunningSample) => Promise<void>,
): Promise<void> {
  const stops: Stops = []
  try {
    await use(await start(starting, stops))
  } finally {
    // What cannot be stopped must not keep the others running.
    for (const stop of stops.reverse())
      await stop().catch((error: unknown) =>
        starting.progress.say(`warning: ${describeError(error).message}`),
      )
  }
}

async function start({ folder, port, progress, signal }: Starting, stops: Stops): Promise<RunningSample> {
  const { path } = folder
  const log = createWriteStream(join(path, 'program.log'), { flags: 'a', mode: 0o600 })
  stops.push(() => new Promise<void>(resolve => log.end(resolve)))
  const isFirst = folder.state === null
  const state = folder.state ?? (await beginState(folder, signal))
  const chat = join(path, 'chat')
  // Nobody else has the chat: the folder is locked. A start that was killed leaves a file which names its
  // process, and another program may have that number by now.
  await rm(join(chat, 'lock.json'), { force: true })
  const emulator = await startEmulator({ dataDir: chat })
  stops.push(() => emulator.close())
  const server = await openServer({ path, progress, signal }, state)
  if (server) stops.push(() => server.stop())
  const { recipient, passwords, noServer } = state
  const shopServer = server && shopServerUrl(server.port, passwords.shop)
  const environment = await writeEnvironment(path, { emulator, recipient, shopServer })
  if (isFirst) await makeDays({ path, state, server, environment, log, progress, signal })
  const program = new OwnProgram({ environment: environment.variables, log, signal })
  if (isFirst) {
    await progress.step(
      'That machine is lost; a new one rebuilds the catalog from the chat',
      () => program.run<{ backups: unknown[] }>('recover'),
      ({ backups }) => `: ${count(backups.length, 'backup')}`,
    )
  }
  const serving = await progress.step('The service and its page', () =>
    program.start<{ url: string }>(
      'serve',
      ...SERVE_OPTIONS,
      ...(port === undefined ? [] : ['--port', port]),
    ),
  )
  stops.push(() => serving.stop())
  await folder.save({ ...state, serverPort: server?.port ?? null, isWhole: true })
  const database = await openCatalog(readConfig(environment.variables), signal)
  stops.push(() => database.close())
  // A dump in a file is restored by client programs that may be missing.
  if (isFirst) await askForDrill(database, server ? SHOP : DOCUMENTS)
  const link = await makeSignInLink(database, serving.answer.url)
  return { link, isFirst, noServer, environmentFile: environment.file, ended: serving.ended }
}

/** Marks the folder before anything else is in it. */
async function beginState({ path, save }: SampleFolder, signal: AbortSignal): Promise<SampleState> {
  const programs = await findServerPrograms(signal)
  const noServer = 'missing' in programs ? programs.missing : null
  const state = newState(noServer)
  await save(state)
  if ('folder' in programs) await copyServerPrograms(programs.folder, join(path, SERVER_PROGRAMS))
  return { ...state, recipient: await makeKey(path) }
}

/** The database of the sample; undefined where it is a dump as a file. */
async function openServer(
  { path, progress, signal }: { path: string; progress: Progress; signal: AbortSignal },
  { noServer, passwords, serverPort }: SampleState,
): Promise<SampleServer | undefined> {
  if (noServer !== null) return undefined
  const [programs, data] = [join(path, SERVER_PROGRAMS), join(path, SERVER_DATA)]
  return await progress.step('A PostgreSQL server for the database of a shop', () =>
    startSampleServer({ programs, data, passwords, port: serverPort ?? undefined, signal }),
  )
}

/** The sources and their history, made by a machine of which only the chat stays. */
async function makeDays(of: {
  path: string
  state: SampleState
  server: SampleServer | undefined
  environment: SampleEnvironment
  log: WriteStream
  progress: Progress
  signal: AbortSignal
}): Promise<void> {
  const { path, state, server, environment, log, progress, signal } = of
  const file = server ? undefined : shopInFile(path, state.noServer ?? '')
  const logFiles = logs(path)
  const sources = [server ? shopInServer(server) : file, documents(path), logFiles].filter(isSource)
  await writeConfiguration(path, { sources, hasServer: server !== undefined })
  const home = join(path, FIRST_HOME)
  const variables = { ...environment.variables, TELEGRAM_BACKUP_HOME: home }
  const program = new OwnProgram({ environment: variables, log, signal })
  try {
    const bucket = await laptop(path, { environment: variables, signal })
    await progress.step(`${DAYS} days of a database, documents and logs, and of a laptop with restic`, show =>
      makeHistory({
        program,
        home,
        sources,
        bucket,
        onRun: (done, all) => show(`${done} of ${all} backups`),
      }),
    )
    await logFiles.repair()
  } finally {
    await file?.close()
  }
}

function isSource(source: SampleSource | undefined): source is SampleSource {
  return source !== undefined
}
