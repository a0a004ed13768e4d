import { currentChat, type Database, packAges, queueFacts } from '@telegram-backup/database'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { TransferObserver } from 'telegram-deployment-bot'
import type { Logger } from '#logging.ts'
import { type CatalogFacts, catalogGauges } from '#monitoring/catalog-gauges.ts'
import { type OwnMachine, readOverviewFacts } from '#monitoring/overview-facts.ts'
import type { IntervalOf } from '#monitoring/watch-facts.ts'

export type RequestObserver = (ended: {
  method: string
  route: string
  status: number
  seconds: number
}) => void

/** The part that the HTTP API needs. */
export interface Metrics {
  /** In the text format of Prometheus. */
  render(): Promise<{ contentType: string; text: string }>
  observeRequest: RequestObserver
}

/** All measurements of this process, and where they come from. */
export interface ServiceMetrics extends Metrics {
  transfers: TransferObserver
  /** `state`: the state of the job after the attempt, or `lost`. */
  observeJob(ended: { kind: string; state: string; seconds: number }): void
  noteChat(isUp: boolean): void
  /** From now on also shows the sources of this process's configuration file. */
  showDeclared(names: () => readonly string[]): void
  /** From now on also shows the state of the catalog. */
  readFrom(catalog: { database: Database; intervalOf: IntervalOf; own: () => OwnMachine; log: Logger }): void
}

/** However many requests come, the catalog is read at most once within this time. */
const CACHE_FOR_MS = 5_000
/** Prometheus gives up after 10 seconds by default. */
const CATALOG_TIME_LIMIT_MS = 4_000

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** The metrics show at most this many sources of the configuration file, the first ones. */
const MOST_DECLARED = 1000

/** Metrics for Prometheus. They hold no secret, and no client or chat can choose the value of a label. */
export function createMetrics({
  cacheForMs = CACHE_FOR_MS,
  timeLimitMs = CATALOG_TIME_LIMIT_MS,
}: {
  cacheForMs?: number
  timeLimitMs?: number
} = {}): ServiceMetrics {
  const registry = processRegistry()
  const own = serviceMetrics(registry)
  let catalog: CatalogReader | undefined
  let declaredNames: () => readonly string[] = () => []
  return {
    transfers: {
      onWait: ({ reason, seconds }) => {
        own.waits.inc({ reason })
        own.waitSeconds.inc({ reason }, Math.max(0, seconds))
      },
      onTransfer: (direction, bytes) => own.transferred.inc({ direction }, bytes),
    },
    observeRequest: ({ method, route, status, seconds }) => {
      own.requests.inc({ method: METHODS.has(method) ? method : 'other', route, status: String(status) })
      own.requestSeconds.observe({ route }, seconds)
    },
    observeJob: ({ kind, state, seconds }) => own.jobSeconds.observe({ kind, state }, seconds),
    noteChat: isUp => own.chatUp.set(isUp ? 1 : 0),
    showDeclared: names => {
      declaredNames = names
    },
    readFrom: from => {
      catalog = new CatalogReader({ ...from, registry, cacheForMs })
    },
    render: async () => {
      own.declared.reset()
      for (const source of declaredNames().slice(0, MOST_DECLARED)) own.declared.set({ source }, 1)
      own.catalogUp.set((await catalog?.refresh(timeLimitMs)) ? 1 : 0)
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

function processRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  // promtool rejects these gauges, because they have the names of counters.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}_total`)
  }
  // The library resets these at each scrape, and then shows NaN or its largest numbers.
  for (const kind of ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99']) {
    registry.removeSingleMetric(`nodejs_eventloop_lag${kind}_seconds`)
  }
  return registry
}

function serviceMetrics(registry: Registry) {
  const define = <Label extends string>(name: string, help: string, labelNames: Label[]) => ({
    name: `telegram_backup_${name}`,
    help,
    labelNames,
    registers: [registry],
  })
  const gauge = <Label extends string>(name: string, help: string, ...labels: Label[]) =>
    new Gauge(define(name, help, labels))
  const counter = <Label extends string>(name: string, help: string, ...labels: Label[]) =>
    new Counter(define(name, help, labels))
  const seconds = <Label extends string>(name: string, help: string, buckets: number[], ...labels: Label[]) =>
    new Histogram({ ...define(name, help, labels), buckets })
  const waits = counter(
    'telegram_waits_total',
    'Waits of this process: flood (429), pace (messages per minute), retry (another try after a failure)',
    'reason',
  )
  const waitSeconds = counter('telegram_wait_seconds_total', 'How long these waits were to be', 'reason')
  for (const reason of ['flood', 'pace', 'retry']) {
    waits.inc({ reason }, 0)
    waitSeconds.inc({ reason }, 0)
  }
  const transferred = counter(
    'telegram_bytes_total',
    'Bytes that this process sent to the Bot API server (up) and fetched in files (down)',
    'direction',
  )
  for (const direction of ['up', 'down']) transferred.inc({ direction }, 0)
  return {
    waits,
    waitSeconds,
    transferred,
    catalogUp: gauge(
      'catalog_up',
      'Whether the catalog answers this process; without it the numbers of backups and jobs are old ones',
    ),
    chatUp: gauge('chat_up', 'Whether the chat answered this process when it was last asked'),
    declared: gauge(
      'declared_source',
      'Sources that the configuration file of this process names; 1 for each',
      'source',
    ),
    requests: counter('http_requests_total', 'Requests that have ended', 'method', 'route', 'status'),
    requestSeconds: seconds(
      'http_request_duration_seconds',
      'From the request to the end of its answer',
      [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600],
      'route',
    ),
    jobSeconds: seconds(
      'job_duration_seconds',
      'Attempts at jobs in this process, by what became of the job',
      [0.5, 2, 10, 30, 60, 300, 900, 3600, 14_400, 86_400],
      'kind',
      'state',
    ),
  }
}

interface CatalogReaderOptions {
  database: Database
  registry: Registry
  intervalOf: IntervalOf
  own: () => OwnMachine
  log: Logger
  cacheForMs: number
}

/** Reads the catalog once for all simultaneous requests, and shows the result in the registry. */
class CatalogReader {
  readonly #options: CatalogReaderOptions
  #gauges: ReturnType<typeof catalogGauges> | undefined
  #reading: Promise<boolean> | undefined
  #readAt = Number.NEGATIVE_INFINITY
  #wasUp = false

  constructor(options: CatalogReaderOptions) {
    this.#options = options
  }

  /** False when the catalog cannot be read, or not within `timeLimitMs`. */
  async refresh(timeLimitMs: number): Promise<boolean> {
    if (performance.now() - this.#readAt < this.#options.cacheForMs) return this.#wasUp
    this.#reading ??= this.#read()
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<boolean>(resolve => {
      timer = setTimeout(resolve, timeLimitMs, false)
    })
    return await Promise.race([this.#reading, tooLong]).finally(() => clearTimeout(timer))
  }

  async #read(): Promise<boolean> {
    const { database, registry, intervalOf, own, log } = this.#options
    try {
      const facts = await readFacts(database, own())
      this.#gauges ??= catalogGauges(registry, intervalOf)
      this.#gauges.show(facts)
      this.#wasUp = true
    } catch (error) {
      log.warn({ error }, 'the catalog could not be read for the metrics')
      this.#wasUp = false
    } finally {
      this.#readAt = performance.now()
      this.#reading = undefined
    }
    return this.#wasUp
  }
}

async function readFacts(database: Database, own: OwnMachine): Promise<CatalogFacts> {
  return {
    overview: await readOverviewFacts(database, own),
    queue: await queueFacts(database),
    packAges: await packAges(database, { chatId: await secondChat(database, own) }),
  }
}

/** Its number; undefined for none, and for a chat whose number only Telegram knows. */
async function secondChat(database: Database, { config }: OwnMachine): Promise<string | undefined> {
  const { replicaChatId: chatId } = config
  return chatId !== undefined && /^-?\d+$/.test(chatId) ? await currentChat(database, chatId) : undefined
}
