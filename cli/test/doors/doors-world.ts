import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, type EmulatorLimits, startEmulator } from '@telegram-backup/bot-api-emulator'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { expect } from 'vitest'

/** A chat with a catalog, and `serve` over them at an address that it keeps when it is started again. */
export interface DoorsWorld {
  folder: string
  emulator: Emulator
  chatId: number
  catalog: TestCatalog
  /** Of the command line. */
  env: Record<string, string>
  cli(args: readonly string[]): Promise<CliRun>
  /** Starts `serve`; the world ends it at the end. */
  serve(): Promise<ServeProcess>
  /** Makes a bucket, and returns a function that makes keys of it: addresses for restic. */
  bucket(name: string, options?: readonly string[]): Promise<(scope?: string) => Promise<string>>
  /** Messages with packs that hold objects, which were ever sent; and all that were erased since. */
  packs(): { sent: number; erased: number }
  close(): Promise<void>
}

export async function openDoorsWorld(limits: Partial<EmulatorLimits>): Promise<DoorsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'doors-test-'))
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram'), limits })
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  const { identity, recipient } = await generateIdentity()
  const [home, keyFile] = [join(folder, 'home'), join(folder, 'key.txt')]
  await mkdir(home, { mode: 0o700 })
  await writeFile(keyFile, `${identity}\n`, { mode: 0o600 })
  const catalog = await openTestCatalog()
  const env = {
    TELEGRAM_API_ROOT: emulator.url,
    TELEGRAM_BOT_TOKEN: bot.token,
    TELEGRAM_CHAT_ID: String(chat.id),
    TELEGRAM_BACKUP_HOME: home,
    BACKUP_SIGNING_KEY_FILE: join(folder, 'signing-key.pem'),
    BACKUP_AGE_RECIPIENTS: recipient,
    BACKUP_AGE_IDENTITY_FILE: keyFile,
    ...catalog.env,
  }
  const port = await freePort()
  const processes: ServeProcess[] = []
  const cli = (args: readonly string[]): Promise<CliRun> => runCli(args, { env })
  const json = async (args: readonly string[]): Promise<unknown> => {
    const run = await cli([...args, '--json'])
    expect(run.code, run.stderr).toBe(0)
    return run.json()
  }
  const isPack = (caption = ''): boolean => / pack=/.test(caption) && !/ checkpoint=/.test(caption)
  return {
    ...{ folder, emulator, chatId: chat.id, catalog, env, cli },
    serve: async () => {
      const serve = startServe(env, ['--port', String(port)])
      processes.push(serve)
      await serve.ready
      return serve
    },
    bucket: async (name, options = []) => {
      await json(['bucket', 'create', name, '--kind', 'restic', ...options])
      return async (scope = 'full') => {
        const made = (await json(['doorkey', 'create', '--bucket', name, '--scope', scope])) as {
          user: string
          key: string
        }
        return `rest:http://${made.user}:${made.key}@127.0.0.1:${port}/restic/${name}/`
      }
    },
    packs: () => {
      const all = emulator.inspect.allMessages(chat.id).filter(({ caption }) => isPack(caption))
      const erased = all.filter(message => message.deleted_at_ms !== undefined)
      return { sent: all.length, erased: erased.length }
    },
    close: async () => {
      for (const { child, end } of processes)
        if (child.exitCode === null && child.signalCode === null) await end('SIGKILL')
      await emulator.close()
      await catalog.discard()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('The listener has no port')
  return address.port
}
