import { fileURLToPath } from 'node:url'
import type { HttpOptions } from '@telegram-backup/api-gateway/http/start-http.ts'
import type { Database } from '@telegram-backup/database'
import { programVersion } from '@telegram-backup/engine/program-version.ts'
import { parseSpanMs } from '@telegram-backup/engine/units/quantities.ts'
import { openBackupService, openJobQueue, openTelegram } from '@telegram-backup/engine/wiring.ts'
import { describeError, ExitCode } from '@telegram-backup/errors'
import {
  type CommandContext,
  describeCommand,
  PORTS,
  type RegisterCommand,
  wholeNumber,
  withCatalog,
} from '#commands/command.ts'
import { isForPeople, prettyLine } from '#commands/log-lines.ts'

interface ServeOptions {
  jobs: string
  grace: string
  port?: string
  host: string
  certificate?: string
  certificateKey?: string
  page: boolean
  logFormat: string
  json?: boolean
}

const MOST_SLOTS = 32
/** Unless LOG_LEVEL says otherwise. */
const LOG_LEVELS = { quiet: 'warn', normal: 'info', verbose: 'debug' } as const
/** Time after the grace period: for jobs to take back what they did, and to close the catalog. */
const STOP_WITHIN_MS = 20_000
/**
 * Connections for HTTP requests, whose statements take 1 to 2 ms. More would be missing to other services.
 */
const SERVING_CONNECTIONS = 5

/** `serve`: runs jobs, schedules, the HTTP API and the page until it is stopped. */
export const registerServe: RegisterCommand = (program, run) => {
  describeCommand(program.command('serve'), {
    description:
      'run the page, the HTTP API, the jobs and the schedules until it is stopped; several "serve" on one DATABASE_URL share the work',
    options: {
      '--port <number>':
        'the port of the page and the HTTP API; 0 takes a free one (default: 8080, or a free one if 8080 is in use)',
      '--host <address>': ['the address to listen on', '127.0.0.1'],
      '--certificate <file>': 'use TLS with this certificate (PEM); a renewed file is read without a restart',
      '--certificate-key <file>': 'the private key of the certificate (PEM)',
      '--no-page': 'leave out the page at /; the HTTP API stays',
      '--jobs <number>': ['how many jobs may run at the same time', '2'],
      '--grace <time>': [
        'after SIGTERM, let running jobs continue this long; then they go back into the queue',
        '30s',
      ],
      '--log-format <format>': [
        'pretty: lines for people; json: a JSON value in each line; auto: pretty on a terminal, else json',
        'auto',
      ],
    },
    examples: [
      'telegram-backup serve',
      'telegram-backup serve --jobs 4 --grace 5m --port 8081',
      'telegram-backup serve --host 0.0.0.0 --certificate cert.pem --certificate-key key.pem',
    ],
  }).action((options: ServeOptions) =>
    run(async context => {
      const slots = wholeNumber('--jobs', options.jobs, { from: 1, to: MOST_SLOTS })
      const graceMs = parseSpanMs(options.grace)
      const http = {
        host: options.host,
        ...parsePort(options.port),
        pageFolder: options.page ? pageFolder() : undefined,
        tls: { certificate: options.certificate, certificate_key: options.certificateKey },
      }
      const layout = isForPeople(options.logFormat, context.host.stderr) ? prettyLine : undefined
      await serve(context, { slots, graceMs, http, layout })
      return ExitCode.DONE
    }, options),
  )
}

async function serve(
  context: CommandContext,
  options: {
    slots: number
    graceMs: number
    http: Omit<HttpOptions, 'metrics' | 'version'>
    /** Of the log; default: JSON. */
    layout: typeof prettyLine | undefined
  },
): Promise<void> {
  const { config, host, output, signal } = context
  const onStop = (): void => context.endWithin(options.graceMs + STOP_WITHIN_MS)
  signal.addEventListener('abort', onStop, { once: true })
  // From the start: a signal during the start must not end the process.
  let reread: (() => Promise<void>) | undefined
  context.onHangup(() => void reread?.())
  const { createLogger, readLogLevel } = await import('@telegram-backup/engine/logging.ts')
  const { openLiveConfigFile } = await import('@telegram-backup/engine/config/live-config-file.ts')
  const { startService } = await import('#serve/start-service.ts')
  const { describeUnserved } = await import('@telegram-backup/engine/schedules/unserved-sources.ts')
  const level = readLogLevel(host.env, LOG_LEVELS[output.detail])
  const log = createLogger({ level, stream: host.stderr, layout: options.layout })
  // The error that ends the service is printed even if nothing is logged.
  if (log.level !== 'silent') output.logTo(log)
  const configFile = await openLiveConfigFile(config, log)
  for (const warning of configFile.warnings) log.warn(warning)
  reread = configFile.reread
  const { createMetrics } = await import('@telegram-backup/engine/monitoring/metrics.ts')
  const metrics = createMetrics()
  const client = await openTelegram(config, { observer: metrics.transfers })
  const service = await openBackupService(config, client)
  const work = async (serving: Database): Promise<void> =>
    await withCatalog(context, async database => {
      const queue = await openJobQueue(database, { log, tends: true })
      try {
        const running = await startService(
          { config, configFile, database, serving, client, service, queue, log },
          {
            ...options,
            http: { ...options.http, version: programVersion() },
            metrics,
            openLimited: async bytesPerSecond => {
              const limited = client.withUploadLimit(bytesPerSecond)
              return { client: limited, service: await openBackupService(config, limited) }
            },
          },
        )
        const { sourceNames, targetNames } = configFile
        const page = options.http.pageFolder === undefined ? undefined : `${running.url}/`
        output.outcome({ url: running.url, page, sources: sourceNames, targets: targetNames }, () =>
          [
            `Listening on ${running.url}. ${page === undefined ? '' : `The page: ${page} · `}API documentation: ${running.url}/docs`,
            sourceNames.length === 0
              ? 'Serving; telegram-backup.yaml names no source.'
              : `Serving the sources ${sourceNames.join(', ')}.`,
          ].join('\n'),
        )
        const unserved = await describeUnserved(database, sourceNames).catch(() => undefined)
        if (unserved !== undefined) log.warn(unserved)
        await untilAborted(signal)
        log.info('stopping')
        await running.stop()
      } finally {
        await queue.stop().catch((error: unknown) => log.warn({ error }, 'the queue did not stop cleanly'))
      }
    })
  try {
    await withCatalog(context, work, { connections: SERVING_CONNECTIONS })
  } catch (error) {
    // One that is stopped while it still waits for its catalog has stopped cleanly, too.
    if (!signal.aborted || describeError(error).code !== 'CANCELLED') throw error
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    // A pending promise alone does not keep the process alive.
    const alive = setInterval(() => {}, 2 ** 30)
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive)
        resolve()
      },
      { once: true },
    )
  })
}

/** Where the page was built in the repository, or where it was packed with the program. */
function pageFolder(): string {
  return fileURLToPath(new URL('.', import.meta.resolve('#page/index.html')))
}

const DEFAULT_PORT = 8080

/** The default port may be replaced by a free one, so that two `serve` on one machine need no option. */
function parsePort(text: string | undefined): { port: number; orAnyPort: boolean } {
  return text === undefined
    ? { port: DEFAULT_PORT, orAnyPort: true }
    : { port: wholeNumber('--port', text, PORTS), orAnyPort: false }
}
