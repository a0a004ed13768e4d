import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { announce, catalogIdentity, type Database } from '@telegram-backup/database'
import { openLiveConfigFile } from '@telegram-backup/engine/config/live-config-file.ts'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'
import { createMetrics } from '@telegram-backup/engine/monitoring/metrics.ts'
import type { ServiceContext } from '@telegram-backup/engine/service/service-context.ts'
import { startMonitoring } from '@telegram-backup/engine/service/start-monitoring.ts'
import type { ServicePart } from '@telegram-backup/engine/service-part.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type Listener, startListener } from '@telegram-backup/test-support/listener.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { watchOwnership } from '@telegram-backup/vault/session/chat-ownership.ts'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { startHttp } from '#http/start-http.ts'
import { BackupTelegramIntegration } from '#lib/backups/backup-telegram.integration.ts'

type TestCatalog = Database & { discard(): Promise<void> }

let vault: TestVault
let owner: TestCatalog
let stranger: TestCatalog
let listener: Listener
let parts: ServicePart[] = []

beforeAll(async () => {
  vault = await openTestVault()
  owner = await openTestCatalog()
  stranger = await openTestCatalog()
  listener = await startListener()
  const sent = await new BackupTelegramIntegration(vault.service, { database: owner }).sendAndRecord({
    projectId: 'shop',
    type: 'logs',
    file: Buffer.from('one line'),
  })
  expect(sent.success).toBe(true)
})
afterEach(async () => {
  await Promise.all(parts.map(part => part.stop()))
  parts = []
})
afterAll(async () => {
  await listener.close()
  await owner.discard()
  await stranger.discard()
  await vault.close()
})

/** The service on a catalog, as far as it is wanted here. */
async function contextOf(database: Database): Promise<ServiceContext> {
  const path = join(vault.folder, 'telegram-backup.yaml')
  await writeFile(path, `notifications: { webhook: "${listener.url}" }\n`, { mode: 0o600 })
  const config = readConfig({ ...(await cliEnvironment(vault)), TELEGRAM_BACKUP_CONFIG: path })
  const { client, service } = vault
  const log = createLogger({ level: 'silent' })
  return {
    config,
    configFile: await openLiveConfigFile(config, log),
    database,
    serving: database,
    client,
    service,
    queue: {} as ServiceContext['queue'],
    log,
  }
}

const texts = (): string[] =>
  vault.emulator.inspect.messages(vault.chatId).flatMap(({ text }) => (text === undefined ? [] : [text]))
const tell = (database: Database, text: string): Promise<unknown> =>
  announce(database, { channels: ['chat', 'webhook'], notice: { event: 'notice', kind: 'test', text } })
const heard = (text: string): boolean => listener.notices().some(notice => notice.text === text)

async function readiness(database: Database): Promise<[number, unknown]> {
  const http = await startHttp(await contextOf(database), {
    host: '127.0.0.1',
    port: 0,
    orAnyPort: false,
    graceMs: 100,
    metrics: undefined,
    version: '0',
  })
  parts.push(http)
  const answer = await fetch(`${http.url}/readyz`)
  return [answer.status, await answer.json()]
}

const MONITORED = { metrics: createMetrics(), certificateFault: () => undefined }

it('whoever has the chat is ready, and tells in it', async () => {
  // A machine that does nothing for some seconds takes that for an outage; the next one that is asked knows
  // better.
  await expect.poll(() => readiness(owner)).toEqual([200, { catalog: true, chat: true }])
  await tell(owner, 'from its owner')
  parts.push(startMonitoring(await contextOf(owner), MONITORED))
  await expect.poll(texts).toContain('from its owner')
})

it('whoever has lost it to another catalog is not ready, and tells by the webhook alone', async () => {
  await expect.poll(() => readiness(stranger)).toEqual([503, { catalog: true, chat: false }])
  await tell(stranger, 'from a stranger')
  parts.push(startMonitoring(await contextOf(stranger), MONITORED))
  await expect.poll(() => heard('from a stranger')).toBe(true)
  await new Promise(resolve => setTimeout(resolve, 500))
  expect(texts()).not.toContain('from a stranger')
})

it('the owner is refused while the chat shows a later generation; a catalog that says nothing changes nothing', async () => {
  const { signal } = new AbortController()
  const { catalogId, generation } = await catalogIdentity(owner)
  const ours = await vault.client.getChat(String(vault.chatId))
  const line = (of: number): string => `catalog=${catalogId}.${of}`
  const pinned = ours.pinned as NonNullable<typeof ours.pinned>
  const caption = pinned.caption?.replace(line(generation), line(generation + 1))
  expect(caption).toContain(line(generation + 1))
  const theirs = { ...ours, pinned: { ...pinned, caption } } as typeof ours
  let shown = ours
  const client = { ...vault.client, getChat: async () => shown }
  let isAway = false
  const database: Database = {
    ...owner,
    get kysely() {
      if (isAway) throw Object.assign(new Error('away'), { code: 'CATALOG' })
      return owner.kysely
    },
  }
  const assertOwn = watchOwnership({ database, client })
  const look = () => assertOwn({ chatId: String(shown.id), pinned: shown.pinned }, { signal })
  await look()
  isAway = true
  shown = theirs
  await look()
  isAway = false
  await expect(look()).rejects.toMatchObject({ code: 'CONFIGURATION' })
  isAway = true
  shown = ours
  await expect(look()).rejects.toMatchObject({ code: 'CONFIGURATION' })
  isAway = false
  await look()
})
