import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { callCli } from '#test/call-cli.ts'

/** A machine before its set-up: a bot with a channel, something to back up, and a catalog. */
export interface InitWorld {
  emulator: Emulator
  folder: string
  /** The folder of the set-up. */
  home: string
  /** A directory to back up. */
  site: string
  token: string
  botId: number
  chatId: number
  /** Without token and chat. */
  env: Record<string, string>
  catalog: TestCatalog
  /** Runs `init --yes --no-service` with a token file. */
  init(...args: string[]): Promise<CliRun>
  call(...args: string[]): Promise<CliRun>
  close(): Promise<void>
}

export async function openInitWorld(): Promise<InitWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'init-test-'))
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  const site = join(folder, 'site')
  await mkdir(site)
  await writeFile(join(site, 'index.html'), 'hello')
  await writeFile(join(folder, 'token'), `${bot.token}\n`, { mode: 0o600 })
  const catalog = await openTestCatalog()
  const home = join(folder, 'home')
  const env = { TELEGRAM_API_ROOT: emulator.url, ...catalog.env, TELEGRAM_BACKUP_HOME: home }
  const stored = { TELEGRAM_BACKUP_HOME: home, TELEGRAM_BACKUP_ENV_FILE: join(home, 'environment') }
  return {
    ...{ emulator, folder, home, site, token: bot.token, botId: bot.id, chatId: chat.id, env, catalog },
    init: (...args) =>
      callCli(['init', '--yes', '--no-service', '--token-file', join(folder, 'token'), ...args], { env }),
    // With nothing but what the set-up has stored.
    call: (...args) => callCli(args, { env: stored }),
    close: async () => {
      await catalog.discard()
      await emulator.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
