import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ApiScope,
  cancelJob,
  catalogIdentity,
  createApiKey,
  createJob,
  type Database,
} from '@telegram-backup/database'
import { readConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { createUploads } from '@telegram-backup/engine/job-handlers/upload-job.ts'
import type { JobQueue } from '@telegram-backup/engine/jobs/job-queue.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { RequestHandler } from 'express'
import { createApp } from '#http/create-app.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type ListeningServer, type ListenOptions, listen } from '#http/listen.ts'

/** The HTTP API over a real chat, catalog and connection; jobs are written down, and nobody does them. */
export interface TestService {
  vault: TestVault
  database: Database
  server: ListeningServer
  /** Lines of the log, as they were written. */
  log: string[]
  /** A new key. */
  key(scopes: readonly ApiScope[], more?: { projectId?: string; expiresAt?: Date }): Promise<string>
  /** Below `/api/v1` unless it begins with another slash word; with the key, if there is one. */
  ask(path: string, options?: AskOptions): Promise<Response>
  close(): Promise<void>
}

export interface AskOptions {
  key?: string | undefined
  method?: string
  json?: unknown
  body?: Uint8Array<ArrayBuffer> | ReadableStream | string
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** Projects of the sources and targets that the configuration names. */
const CONFIGURATION = `
sources:
  shop: { project: shop, type: database, file: /nowhere/shop.sql, drill_within: 7d }
  other: { project: other, type: logs, file: /nowhere/other.log }
  unset: { project: shop, type: database, postgres: "postgresql://u:\${NO_SUCH_VARIABLE}@localhost/x" }
targets:
  staging: { postgres: "postgresql://user:s3cret@localhost/staging" }
  other-db: { postgres: "postgresql://user:s3cret@localhost/other", project: other }
  unset: { postgres: "postgresql://u:\${NO_SUCH_VARIABLE}@localhost/x", project: shop }
`

/**
 * @param limits.headersWithinMs short for tests of headers that do not come: to a machine that does nothing
 * for some seconds, all   headers are late
 */
export async function openTestService(
  settings: Partial<HttpSettings> = {},
  {
    headersWithinMs = 60_000,
    page,
    providers,
    restic,
    ...where
  }: Pick<ListenOptions, 'headersWithinMs' | 'mostConnections' | 'certificate'> &
    Pick<HttpPorts, 'page' | 'providers'> & {
      /** Opens the door of restic over this catalog. */
      restic?: (of: Pick<HttpPorts, 'database' | 'log' | 'settings'>) => RequestHandler
    } = {},
): Promise<TestService> {
  const vault = await openTestVault()
  const database = await openTestCatalog()
  const environment = await cliEnvironment(vault)
  const configPath = join(vault.folder, 'telegram-backup.yaml')
  await writeFile(configPath, CONFIGURATION, { mode: 0o600 })
  const config = readConfig({ ...environment, TELEGRAM_BACKUP_CONFIG: configPath })
  const configFile = await readConfigFile(config, {})
  const lines: string[] = []
  const log = createLogger({ level: 'debug', stream: { write: line => lines.push(line) } })
  const queue: JobQueue = {
    submit: request => createJob(database, request, async () => {}),
    cancel: (id, actor = database.actor) => cancelJob({ ...database, actor }, id, async () => {}),
  }
  const { service, client } = vault
  const allSettings = { ...configFile.http, ...settings }
  const { app, close } = createApp({
    database,
    queue,
    configFile,
    uploads: createUploads({ database, service, log }),
    engine: { config, database, client, service },
    readiness: async () => ({ catalog: (await catalogIdentity(database)) !== null, chat: true }),
    metrics: {
      render: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
      observeRequest: () => {},
    },
    log,
    settings: allSettings,
    version: '0.0.0',
    page,
    providers,
    restic: restic?.({ database, log, settings: allSettings }),
  })
  const server = await listen(app, { host: '127.0.0.1', port: 0, headersWithinMs, ...where })
  return {
    vault,
    database,
    server,
    log: lines,
    key: async (scopes, more = {}) => (await createApiKey(database, { name: 'test', scopes, ...more })).key,
    ask: (path, { key, method, json, body, headers = {}, signal } = {}) =>
      fetch(`${server.url}${path.startsWith('//') ? path.slice(1) : `/api/v1${path}`}`, {
        method: method ?? (json === undefined && body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
          ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(body === undefined ? {} : { body, duplex: 'half' }),
        ...(signal && { signal }),
      } as RequestInit),
    close: async () => {
      await server.stop(1_000)
      await close()
      await vault.close()
      await database.discard()
    },
  }
}

/** Sends bytes and returns the backup's id. */
export async function upload(
  service: TestService,
  of: { key: string; bytes: Buffer; project?: string; filename?: string },
): Promise<string> {
  const { key, bytes, project = 'shop', filename = 'shop.sql' } = of
  const query = new URLSearchParams({ project_id: project, type: 'database', filename })
  const answer = await service.ask(`/backups/upload?${query}`, { key, body: new Uint8Array(bytes) })
  if (answer.status !== 201) throw new Error(await answer.text())
  return ((await answer.json()) as { databaseRecord: { id: string } }).databaseRecord.id
}
