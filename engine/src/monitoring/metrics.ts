import { type Database, listSchedules, openAlerts, queueFacts, sourceFacts } from '@telegram-backup/database'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { TransferObserver } from 'telegram-deployment-bot'
import type { Logger } from '#logging.ts'
import { type CatalogFacts, catalogGauges } from '#monitoring/catalog-gauges.ts'
import type { IntervalOf } from '#monitoring/watch-facts.ts'

/** Told of each request that has ended. */
export type RequestObserver = (ended: {
  method: string
  route: string
  status: number
  seconds: number
}) => void

/** What is measured, as the HTTP API needs it. */
export interface Metrics {
  /** As text of Prometheus. */
  render(): Promise<{ contentType: string; text: string }>
  /** Hears of each request that has ended. */
  observeRequest: RequestObserver
}

/** All that is measured in this process, and how it comes to know. */
export interface ServiceMetrics extends Metrics {
  /** For every client of the Bot API. */
  transfers: TransferObserver
  /** An attempt at a job has ended. `state` is what became of the job, or `lost`. */
  observeJob(ended: { kind: string; state: string; seconds: number }): void
  /** Whether the chat answered when it was last asked. */
  noteChat(isUp: boolean): void
  /** Shows from now on the sources that this process's file names. */
  showDeclared(names: () => readonly string[]): void
  /** Shows from now on what the catalog says. */
  readFrom(catalog: { database: Database; intervalOf: IntervalOf; log: Logger }): void
}

/** However often it is asked for, the catalog is read no more often than that. */
const CACHE_FOR_MS = 5_000
/** Prometheus gives up after 10 seconds by default. */
const CATALOG_TIME_LIMIT_MS = 4_000

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A file with more sources than that shows the first ones only. */
const MOST_DECLARED = 1000

/** Metrics for Prometheus. Nothing in them is a secret, and no label holds what a client or a chat can choose at will. */
export function createMetrics({
  cacheForMs = CACHE_FOR_MS,
  timeLimitMs = CATALOG_TIME_LIMIT_MS,
}: {
  cacheForMs?: number
  timeLimitMs?: number
} = {}): ServiceMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  // Gauges that are named as counters; promtool objects.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}_total`)
  }
  // The library forgets what it measured at each scrape, and then tells the limits of its numbers, or NaN.
  for (const kind of ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99']) {
    registry.removeSingleMetric(`nodejs_eventloop_lag${kind}_seconds`)
  }
  let catalog: CatalogReader | undefined
  const catalogUp = new Gauge({
    name: 'telegram_backup_catalog_up',
    help: 'Whether the catalog answers this process; without it the numbers of backups and jobs are old ones',
    registers,
  })
  const chatUp = new Gauge({
    name: 'telegram_backup_chat_up',
    help: 'Whether the chat answered this process when it was last asked',
    registers,
  })
  const declared = new Gauge({
    name: 'telegram_backup_declared_source',
    help: 'Sources that the configuration file of this process names; 1 for each',
    labelNames: ['source'],
    registers,
  })
  let declaredNames: () => readonly string[] = () => []
  const waits = new Counter({
    name: 'telegram_backup_telegram_waits_total',
    help: 'Waits of this process: flood (429), pace (messages per minute), retry (another try after a failure)',
    labelNames: ['reason'],
    registers,
  })
  const waitSeconds = new Counter({
    name: 'telegram_backup_telegram_wait_seconds_total',
    help: 'How long these waits were to be',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of ['flood', 'pace', 'retry']) {
    waits.inc({ reason }, 0)
    waitSeconds.inc({ reason }, 0)
  }
  const transferred = new Counter({
    name: 'telegram_backup_telegram_bytes_total',
    help: 'Bytes that this process sent to the Bot API server (up) and fetched in files (down)',
    labelNames: ['direction'],
    registers,
  })
  for (const direction of ['up', 'down']) transferred.inc({ direction }, 0)
  const requests = new Counter({
    name: 'telegram_backup_http_requests_total',
    help: 'Requests that have ended',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const requestSeconds = new Histogram({
    name: 'telegram_backup_http_request_duration_seconds',
    help: 'From the request to the end of its answer',
    labelNames: ['route'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600],
    registers,
  })
  const jobSeconds = new Histogram({
    name: 'telegram_backup_job_duration_seconds',
    help: 'Attempts at jobs in this process, by what became of the job',
    labelNames: ['kind', 'state'],
    buckets: [0.5, 2, 10, 30, 60, 300, 900, 3600, 14_400, 86_400],
    registers,
  })
  return {
    transfers: {
      onWait: ({ reason, seconds }) => {
        waits.inc({ reason })
        waitSeconds.inc({ reason }, Math.max(0, seconds))
      },
      onTransfer: (direction, bytes) => transferred.inc({ direction }, bytes),
    },
    observeRequest: ({ method, route, status, seconds }) => {
      requests.inc({ method: METHODS.has(method) ? method : 'other', route, status: String(status) })
      requestSeconds.observe({ route }, seconds)
    },
    observeJob: ({ kind, state, seconds }) => jobSeconds.observe({ kind, state }, seconds),
    noteChat: isUp => chatUp.set(isUp ? 1 : 0),
    showDeclared: names => {
      declaredNames = names
    },
    readFrom: from => {
      catalog = catalogReader({ ...from, registry, cacheForMs })
    },
    render: async () => {
      declared.reset()
      for (const source of declaredNames().slice(0, MOST_DECLARED)) declared.set({ source }, 1)
      catalogUp.set((await catalog?.refresh(timeLimitMs)) ? 1 : 0)
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

interface CatalogReader {
  /** False when the catalog cannot be read, or not in time. */
  refresh(timeLimitMs: number): Promise<boolean>
}

/** Reads the catalog for all who ask at once, and shows what it says. */
function catalogReader(options: {
  database: Database
  registry: Registry
  intervalOf: IntervalOf
  log: Logger
  cacheForMs: number
}): CatalogReader {
  const { database, registry, intervalOf, log, cacheForMs } = options
  let gauges: ReturnType<typeof catalogGauges> | undefined
  let reading: Promise<boolean> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let wasUp = false
  const read = async (): Promise<boolean> => {
    try {
      const facts = await readFacts(database)
      gauges ??= catalogGauges(registry, intervalOf)
      gauges.show(facts)
      wasUp = true
    } catch (error) {
      log.warn({ error }, 'the catalog could not be read for the metrics')
      wasUp = false
    } finally {
      readAt = performance.now()
      reading = undefined
    }
    return wasUp
  }
  return {
    refresh: async timeLimitMs => {
      if (performance.now() - readAt < cacheForMs) return wasUp
      reading ??= read()
      let timer: NodeJS.Timeout | undefined
      const tooLong = new Promise<boolean>(resolve => {
        timer = setTimeout(resolve, timeLimitMs, false)
      })
      return await Promise.race([reading, tooLong]).finally(() => clearTimeout(timer))
    },
  }
}

async function readFacts(database: Database): Promise<CatalogFacts> {
  return {
    sources: await sourceFacts(database),
    schedules: await listSchedules(database),
    queue: await queueFacts(database),
    alerts: await openAlerts(database),
  }
}
