import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import { writeSources } from '#golden/sources.ts'
import { installedServer, type PostgresServer, startPostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'telegram-backup.js')
/** Every process of the program says that it runs here: no machine of ours is named in what is kept. */
const HOST = 'golden.example'
const PART_SIZE_BYTES = 32 * 1024
const DAY_MS = 24 * 3600 * 1000

export interface RunOptions {
  /** Standard input. */
  input?: Buffer
  /** Kills it without a word when the Bot API server has kept that many of its documents. */
  killedAtDocument?: number
  /** As a user to whom files without any permission are closed, root otherwise. */
  closedOut?: boolean
}

/** What a run left; a killed one has no code. */
interface Run {
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Everything that somebody has who uses the program with two chats and a PostgreSQL for the catalog. */
export interface GoldenStage {
  folder: string
  server: PostgresServer
  emulator: Emulator
  chats: { token: string; chatId: number; replicaChatId: number }
  env: Record<string, string>
  keys: { recipient: string }
  run(args: readonly string[], options?: RunOptions): Promise<Run>
  /** One that has to succeed; its JSON. */
  ask<Answer>(...args: string[]): Promise<Answer>
  /** The Bot API server's clock, which was three days slow until now, goes right from now on. */
  letDaysPass(): Promise<void>
  /** Ends the Bot API server; its folder is whole then. */
  endChats(): Promise<void>
  close(): Promise<void>
}

export async function openStage(): Promise<GoldenStage> {
  const folder = await mkdtemp(join(tmpdir(), 'golden-'))
  const server = await startPostgresServer(await installedServer())
  const data = join(folder, 'chats')
  const emulator = await startEmulator({ dataDir: data, clock: { now: () => Date.now() - 3 * DAY_MS } })
  const bot = emulator.createBot({ username: 'golden_backup_bot' })
  const administrators = [{ bot }]
  const [chat, replica] = ['Vault', 'Second'].map(title =>
    emulator.createChat({ type: 'channel', title, administrators }),
  )
  const chats = { token: bot.token, chatId: chat?.id ?? 0, replicaChatId: replica?.id ?? 0 }
  const { identity, recipient } = await generateIdentity()
  await mkdir(join(folder, 'keys'))
  await writeFile(join(folder, 'keys', 'age-key.txt'), `${identity}\n`, { mode: 0o600 })
  await writeSources(folder, server)
  let chatsEnded: Promise<void> | undefined
  const stage: GoldenStage = {
    folder,
    server,
    emulator,
    chats,
    keys: { recipient },
    env: {
      PATH: process.env['PATH'] ?? '',
      TELEGRAM_API_ROOT: emulator.url,
      TELEGRAM_BOT_TOKEN: bot.token,
      TELEGRAM_CHAT_ID: String(chats.chatId),
      TELEGRAM_REPLICA_CHAT_ID: String(chats.replicaChatId),
      TELEGRAM_PART_SIZE: String(PART_SIZE_BYTES),
      TELEGRAM_BACKUP_HOME: join(folder, 'home'),
      TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml'),
      BACKUP_AGE_RECIPIENTS: recipient,
      BACKUP_AGE_IDENTITY_FILE: join(folder, 'keys', 'age-key.txt'),
      BACKUP_SIGNING_KEY_FILE: join(folder, 'keys', 'signing-key.pem'),
      DATABASE_URL: server.url('catalog'),
      SHOP_URL: server.url('shop'),
    },
    run: (args, options = {}) => runProgram(stage, args, options),
    ask: async <Answer>(...args: string[]) => {
      const { code, stdout, stderr } = await stage.run([...args, '--json'])
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)
      return JSON.parse(stdout.toString()) as Answer
    },
    letDaysPass: async () => {
      await stage.emulator.close()
      stage.emulator = await startEmulator({ dataDir: data })
      stage.env['TELEGRAM_API_ROOT'] = stage.emulator.url
    },
    endChats: () => {
      chatsEnded ??= stage.emulator.close()
      return chatsEnded
    },
    close: async () => {
      await stage.endChats()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return stage
}

function runProgram(stage: GoldenStage, args: readonly string[], options: RunOptions): Promise<Run> {
  const [command = '', ...rest] = commandOf(args, options.closedOut === true)
  const child = spawn(command, rest, { env: stage.env, stdio: 'pipe', cwd: stage.folder })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', chunk => stdout.push(chunk))
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout: Buffer.concat(stdout), stderr }))
  })
  let documents = 0
  const unwatch = stage.emulator.watch(async ({ method, phase }) => {
    if (method !== 'senddocument' || phase !== 'kept' || ++documents !== options.killedAtDocument) return
    child.kill('SIGKILL')
    await ended
  })
  return ended.finally(unwatch)
}

/**
 * The launcher in a UTS namespace of its own, with a name for the machine; the last program of the line is
 * Node itself.
 */
export function commandOf(args: readonly string[], closedOut = false): string[] {
  const capabilities = '-dac_override,-dac_read_search'
  return [
    ...['unshare', '--uts', 'sh', '-c', `hostname ${HOST} && exec "$@"`, 'sh'],
    ...(closedOut ? ['setpriv', `--bounding-set=${capabilities}`, `--inh-caps=${capabilities}`] : []),
    ...[process.execPath, LAUNCHER, ...args],
  ]
}

/** The catalog as SQL that any PostgreSQL from 14 on takes, statement by statement, without psql. */
export async function dumpCatalog(url: string, pgDump: string): Promise<string> {
  const options = ['--no-owner', '--no-privileges', '--inserts', '--rows-per-insert=100', '-d', url]
  const { stdout } = await run(pgDump, options, { maxBuffer: 2 ** 28 })
  // What only psql understands, and what only servers from 17 on do.
  return stdout.replace(/^\\(un)?restrict .*$/gm, '').replace(/^SET transaction_timeout = 0;$/m, '')
}
