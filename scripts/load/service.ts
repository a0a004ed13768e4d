import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateIdentity } from '@telegram-backup/archive'
import { createBackup, migrate, openDatabase } from '@telegram-backup/database'
import { type ServeProcess, startServe } from '#acceptance/serve-process.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'telegram-backup.js')

/** A `serve` under load: it, its catalog and the Bot API server are processes of their own. */
export interface LoadedService {
  serve: ServeProcess
  /** An API key with every right. */
  key: string
  close(): Promise<void>
}

/** Starts all that, with so many backups in the catalog before anybody asks. */
export async function openService(port: number, backups: number): Promise<LoadedService> {
  const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-load-'))
  const home = join(folder, 'home')
  await mkdir(home, { mode: 0o711 })
  const { url, token, chat_id, child } = await startEmulatorProcess(join(folder, 'telegram'))
  const { identity, recipient } = await generateIdentity()
  await writeFile(join(folder, 'key.txt'), `${identity}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'telegram-backup.yaml'), 'sources: {}\nnotifications:\n  chat: false\n')
  const env = {
    TELEGRAM_API_ROOT: url,
    TELEGRAM_BOT_TOKEN: token,
    TELEGRAM_CHAT_ID: String(chat_id),
    TELEGRAM_BACKUP_HOME: home,
    TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml'),
    BACKUP_AGE_RECIPIENTS: recipient,
    BACKUP_AGE_IDENTITY_FILE: join(folder, 'key.txt'),
  }
  await fillCatalog(home, backups)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [LAUNCHER, 'apikey', 'create', '--name', 'load', '--scope', 'admin', '--json'],
    { env: { PATH: process.env['PATH'] ?? '', ...env } },
  )
  const serve = await startServe(env, port)
  return {
    serve,
    key: (JSON.parse(stdout) as { key: string }).key,
    close: async () => {
      await serve.stop()
      child.kill('SIGTERM')
      await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Rows of backups that are in no chat: what a catalog of some years has to list. */
async function fillCatalog(dataDir: string, count: number): Promise<void> {
  const database = await openDatabase({ dataDir })
  try {
    await migrate(database)
    for (let number = 0; number < count; number++) {
      await createBackup(database, {
        project_id: `project-${number % 20}`,
        type: 'database',
        file_id: `file-${number}`,
        size: 1_000_000 + number,
      })
    }
  } finally {
    await database.close()
  }
}

interface EmulatorProcess {
  url: string
  token: string
  chat_id: number
  child: ChildProcess
}

async function startEmulatorProcess(data: string): Promise<EmulatorProcess> {
  const child = spawn(process.execPath, [LAUNCHER, 'emulator', '--data', data, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [answer] = (await once(child.stdout, 'data')) as [Buffer]
  return { ...(JSON.parse(answer.toString()) as Omit<EmulatorProcess, 'child'>), child }
}
