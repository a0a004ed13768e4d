import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import { type CutWay, openCutWay } from '@telegram-backup/test-support/servers/cut-way.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'telegram-backup.js')

/** What the webhook was told. */
interface Told {
  event: string
  kind: string
  source: string | null
  text: string
}

/**
 * What a person has who runs the service: PostgreSQL, a chat, keys, a configuration file, somebody who is
 * told.
 */
export interface Stage {
  folder: string
  server: PostgresServer
  chatId: number
  /** Of every process of the program. */
  env: Record<string, string>
  told: Told[]
  /** The Bot API server. */
  emulator: Emulator
  /** The way that all processes take to it. */
  way: CutWay
  /** Runs the command line with `--json`; resolves to its answer, fails with its words. */
  ask<Answer>(...args: string[]): Promise<Answer>
  close(): Promise<void>
}

/** So many bytes of a dump, incompressible, sent so slowly that somebody can be killed while it lasts. */
const ROWS = 6_000
const RATE = '150k'

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-service-'))
  const server = await startPostgresServer(await installedServer())
  await server.sql('postgres', 'create database shop; create database catalog')
  await server.sql(
    'shop',
    `create table orders as select n as id, sha256(n::text::bytea)::text || sha256((n * 7)::text::bytea)::text as token
     from generate_series(1, ${ROWS}) n`,
  )
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  const way = await openCutWay(emulator.url)
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  const { told, url: webhook, close: closeWebhook } = await startWebhook()
  const { identity, recipient } = await generateIdentity()
  await writeFile(join(folder, 'key.txt'), `${identity}\n`, { mode: 0o600 })
  await writeFile(
    join(folder, 'telegram-backup.yaml'),
    `targets:\n  again:\n    postgres: \${AGAIN_URL}\n` +
      `sources:\n  shop:\n    project: shop\n    type: database\n    postgres: \${SHOP_URL}\n    limit_rate: ${RATE}\n` +
      `notifications:\n  webhook: ${webhook}\n`,
  )
  const env = {
    TELEGRAM_API_ROOT: way.url,
    TELEGRAM_BOT_TOKEN: bot.token,
    TELEGRAM_CHAT_ID: String(chat.id),
    TELEGRAM_PART_SIZE: String(256 * 1024),
    TELEGRAM_BACKUP_HOME: join(folder, 'home'),
    TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml'),
    DATABASE_URL: server.url('catalog'),
    SHOP_URL: server.url('shop'),
    AGAIN_URL: server.url('again'),
    BACKUP_AGE_RECIPIENTS: recipient,
    BACKUP_AGE_IDENTITY_FILE: join(folder, 'key.txt'),
  }
  return {
    folder,
    server,
    chatId: chat.id,
    env,
    told,
    emulator,
    way,
    ask: async <Answer>(...args: string[]) => {
      const { stdout } = await run(process.execPath, [LAUNCHER, ...args, '--json'], {
        env: { PATH: process.env['PATH'] ?? '', ...env },
        maxBuffer: 2 ** 26,
      })
      return JSON.parse(stdout) as Answer
    },
    close: async () => {
      await way.close()
      await emulator.close()
      closeWebhook()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Somebody who is told by HTTP. */
async function startWebhook(): Promise<{ told: Told[]; url: string; close: () => void }> {
  const told: Told[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', text => {
      body += text
    })
    request.on('end', () => {
      told.push(JSON.parse(body) as Told)
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    told,
    url: `http://127.0.0.1:${port}/told`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
