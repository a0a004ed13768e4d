import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { writeSources } from '@telegram-backup/test-support/jobs-world.ts'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import type { TestVault } from '@telegram-backup/test-support/vault.ts'
import { expect } from 'vitest'
import { callCli } from '#test/call-cli.ts'

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
    const { code, stderr, json } = await callCli([...args, '--json'], { env: of })
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
      const { id } = (await command('user', 'add', '--name', 'ann', '--role', 'operator')) as { id: string }
      await command('user', 'list')
      await command('user', 'link', id)
      await command('user', 'remove', id)
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
        const url = `http://127.0.0.1:${/127\.0\.0\.1:(\d+)/.exec(serve.log())?.[1]}/api/v1`
        const answer = await fetch(`${url}/jobs`, { headers: { authorization: `Bearer ${key.key}` } })
        expect(answer.status).toBe(200)
        await aPersonsDay(url, (await command('user', 'add', '--admin', '--name', 'ben')) as { url: string })
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

/** Signs in by the link, sets a password, looks at who is signed in, and signs out. */
async function aPersonsDay(url: string, link: { url: string }): Promise<void> {
  const headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  const body = { link: new URL(link.url).hash.slice(1), password: 'a password of this life' }
  const signedIn = await fetch(`${url}/session`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(signedIn.status).toBe(200)
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  for (const path of ['/whoami', '/people', '/sessions'])
    expect((await fetch(url + path, { headers: { ...headers, cookie } })).status, path).toBe(200)
  const again = {
    method: 'POST',
    headers: { ...headers, cookie },
    body: JSON.stringify({ password: body.password }),
  }
  expect((await fetch(`${url}/session/factor`, again)).status).toBe(200)
  expect((await fetch(`${url}/session`, { method: 'DELETE', headers: { ...headers, cookie } })).status).toBe(
    204,
  )
}
