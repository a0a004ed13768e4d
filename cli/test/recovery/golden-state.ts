import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import { openDatabase, sqlRunner } from '@telegram-backup/database'
import { startBundledServer } from '@telegram-backup/test-support/servers/bundled-server.ts'

const GOLDEN = join(import.meta.dirname, '..', 'golden')
const ROOT = join(import.meta.dirname, '..', '..', '..')

/**
 * Every state that was kept, by its newest migration: `scripts/golden.ts` made them, nothing makes them anew.
 */
export const GOLDEN_STATES: readonly string[] = readdirSync(GOLDEN)

/** What the program of then knew and said of its state. */
interface GoldenFacts {
  token: string
  chatId: number
  replicaChatId: number
  recipient: string
  /** With every right. */
  apiKey: string
  /** Of the backups, by what they are there for. */
  ids: Record<string, string>
  /** Of the plain bytes of those that can be fetched, by the same names. */
  sha256: Record<string, string>
  /** The answers of its commands with `--json`; those of `show` by `show NAME`. */
  said: Record<string, unknown>
}

/**
 * A golden state at work, in copies: its chats behind a Bot API server, its keys, and on demand its catalog
 * and its program.
 */
export interface Golden {
  folder: string
  emulator: Emulator
  facts: GoldenFacts
  /** Of a machine with the keys and no catalog. */
  env: Record<string, string>
  /** The kept catalog in a PostgreSQL of its own; gives what `env` lacks. */
  openCatalog(): Promise<{ DATABASE_URL: string }>
  /** The launcher of the program that made the state. */
  unpackProgram(): string
  close(): Promise<void>
}

export async function openGolden(name: string): Promise<Golden> {
  const folder = await mkdtemp(join(tmpdir(), 'golden-test-'))
  const at = join(GOLDEN, name)
  const facts = JSON.parse(readFileSync(join(at, 'state.json'), 'utf8')) as GoldenFacts
  for (const key of ['age-key.txt', 'signing-key.pem']) {
    cpSync(join(at, key), join(folder, key))
    chmodSync(join(folder, key), 0o600)
  }
  unpack(join(at, 'chats.tar.zst'), join(folder, 'chats'))
  writeSources(folder)
  const emulator = await startEmulator({ dataDir: join(folder, 'chats') })
  const ends = [() => emulator.close(), () => rm(folder, { recursive: true, force: true })]
  return {
    folder,
    emulator,
    facts,
    env: {
      TELEGRAM_API_ROOT: emulator.url,
      TELEGRAM_BOT_TOKEN: facts.token,
      TELEGRAM_CHAT_ID: String(facts.chatId),
      TELEGRAM_REPLICA_CHAT_ID: String(facts.replicaChatId),
      TELEGRAM_BACKUP_HOME: join(folder, 'home'),
      TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml'),
      TELEGRAM_PART_SIZE: String(32 * 1024),
      BACKUP_AGE_RECIPIENTS: facts.recipient,
      BACKUP_AGE_IDENTITY_FILE: join(folder, 'age-key.txt'),
      BACKUP_SIGNING_KEY_FILE: join(folder, 'signing-key.pem'),
    },
    openCatalog: async () => {
      const server = await startBundledServer()
      ends.unshift(() => server.stop())
      const url = server.url('postgres')
      const catalog = await openDatabase({ url })
      const dump = zstdDecompressSync(readFileSync(join(at, 'catalog.sql.zst'))).toString()
      await sqlRunner(catalog).executeSql(dump)
      await catalog.close()
      return { DATABASE_URL: url }
    },
    unpackProgram: () => {
      const program = join(folder, 'program')
      unpack(join(at, 'program.tar.zst'), program)
      linkDependencies(program)
      return join(program, 'api-gateway', 'bin', 'telegram-backup.js')
    },
    close: async () => {
      for (const end of ends) await end()
    },
  }
}

function unpack(archive: string, folder: string): void {
  mkdirSync(folder)
  execFileSync('tar', ['-x', '-C', folder], { input: zstdDecompressSync(readFileSync(archive)) })
}

/** The program of then has the libraries of now, and of our packages its own. */
function linkDependencies(program: string): void {
  const modules = join(program, 'node_modules')
  mkdirSync(join(modules, '@telegram-backup'), { recursive: true })
  for (const name of readdirSync(program)) {
    if (name === 'node_modules') continue
    const { name: as } = JSON.parse(readFileSync(join(program, name, 'package.json'), 'utf8')) as {
      name: string
    }
    symlinkSync(join(program, name), join(modules, as))
    const nested = join(ROOT, name, 'node_modules')
    if (existsSync(nested)) symlinkSync(nested, join(program, name, 'node_modules'))
  }
  const ours = new Set(['@telegram-backup', 'telegram-deployment-bot', '.bin', '.package-lock.json'])
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!ours.has(name)) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
}

/** Sources of the names that the schedules of the state have, and one more. */
function writeSources(folder: string): void {
  mkdirSync(join(folder, 'uploads'))
  writeFileSync(join(folder, 'uploads', 'a.txt'), 'a text\n')
  writeFileSync(join(folder, 'disk.img'), 'a disk\n')
  writeFileSync(
    join(folder, 'telegram-backup.yaml'),
    `sources:
  shop: { project: shop, type: database, postgres: "postgresql://nobody@127.0.0.1:1/nothing" }
  uploads: { project: shop, type: storage, directory: ${join(folder, 'uploads')} }
  disk: { project: disks, type: storage, file: ${join(folder, 'disk.img')} }
notifications: { chat: false }
`,
    { mode: 0o600 },
  )
}
