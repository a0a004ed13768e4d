import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { writeSources } from '@telegram-backup/test-support/jobs-world.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import type { TestVault } from '@telegram-backup/test-support/vault.ts'
import { expect } from 'vitest'

/**
 * What a catalog at one address is used for: it is made, and each command and a service do there what they
 * are for.
 */
export interface CatalogLife {
  /** Of its commands. */
  env: Record<string, string>
  /** Runs one command, which has to succeed; resolves to its JSON. */
  command(...args: string[]): Promise<unknown>
  /** Sends, looks, keys, pins, policies, verifying, erasing, reconciling. */
  commands(): Promise<void>
  /** A serve that answers a key, and does a backup, a verification and a retention run of a schedule. */
  service(): Promise<void>
  /** Rebuilds it, from the chat, at another address that is empty. */
  recovery(emptyUrl: string): Promise<void>
}

export async function lifeOfACatalog(vault: TestVault, databaseUrl: string): Promise<CatalogLife> {
  const env = {
    ...(await cliEnvironment(vault)),
    DATABASE_URL: databaseUrl,
    TELEGRAM_BACKUP_CONFIG: await writeSources(vault.folder),
  }
  const run = async (of: Record<string, string>, args: readonly string[]): Promise<unknown> => {
    const { code, stderr, json } = await runCli([...args, '--json'], { env: of })
    expect(code, `${args.join(' ')}: ${stderr}`).toBe(0)
    return json()
  }
  const command = (...args: string[]): Promise<unknown> => run(env, args)
  const send = async (project: string): Promise<string> => {
    const terms = ['--project', project, '--type', 'storage', '--file', join(vault.folder, 'alpha.bin')]
    const { databaseRecord } = (await command('send', ...terms)) as { databaseRecord: { id: string } }
    return databaseRecord.id
  }
  return {
    env,
    command,
    commands: async () => {
      const [first, second] = [await send('alpha'), await send('alpha')]
      for (const looks of ['list', 'stats', 'doctor']) await command(looks)
      await command('pin', first)
      await command('unpin', first)
      const kept = ['--project', 'alpha', '--type', 'storage']
      await command('retention', 'set', ...kept, '--keep-last', '5')
      await command('retention', 'list')
      await command('expire', '--yes')
      await command('verify', second, '--read-data')
      await command('erase', first, '--yes')
      await command('reconcile')
      expect(await command('show', first)).toMatchObject({ state: 'erased' })
      expect(await command('show', second)).toMatchObject({ state: 'complete' })
    },
    service: async () => {
      const key = (await command('apikey', 'create', '--name', 'reader', '--scope', 'read')) as Key
      const terms = ['--source', 'beta', '--cron', '0 3 1 1 *', '--keep-last', '3']
      const schedule = (await command('schedule', 'add', ...terms)) as { id: string }
      const serve = startServe(env)
      try {
        await serve.ready
        const job = await command('schedule', 'run', schedule.id, '--wait')
        expect(job).toMatchObject({ state: 'done' })
        const url = `http://127.0.0.1:${/127\.0\.0\.1:(\d+)/.exec(serve.log())?.[1]}/api/v1/jobs`
        const answer = await fetch(url, { headers: { authorization: `Bearer ${key.key}` } })
        expect(answer.status).toBe(200)
        await command('jobs')
      } finally {
        await serve.end('SIGTERM')
      }
      await command('schedule', 'remove', schedule.id)
      await command('apikey', 'revoke', key.id)
    },
    recovery: async emptyUrl => {
      await run({ ...env, DATABASE_URL: emptyUrl }, ['recover'])
      expect(await run({ ...env, DATABASE_URL: emptyUrl }, ['list'])).not.toEqual([])
    },
  }
}

interface Key {
  id: string
  key: string
}
