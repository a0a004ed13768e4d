import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createApiKey, pagePeople, type Role, removePerson } from '@telegram-backup/database'
import { signInUrl } from '@telegram-backup/engine/operations/page-address.ts'
import { addPerson } from '@telegram-backup/engine/operations/people.ts'
import { sql } from 'kysely'
import type { Look } from '#browser/watched-pages.ts'
import { cliEnvironment } from '#cli-environment.ts'
import { startProvider, type TestProvider } from '#oidc-provider.ts'
import { type ServeProcess, startServe } from '#serve-process.ts'
import { type CutWay, openCutWay } from '#servers/cut-way.ts'
import { installedServer, type PostgresServer, startPostgresServer } from '#servers/postgres-server.ts'
import { openTestCatalog, openTestVault, type TestCatalog, type TestVault } from '#vault.ts'

/** A running `serve` with sources and backups, as somebody has who opens the page. */
export interface Site {
  /** Where the page is, with a slash at the end. It stays the same when `serve` is another one. */
  url: string
  vault: TestVault
  catalog: TestCatalog
  /** With the source `shop` as a database; undefined unless it was asked for. */
  server: PostgresServer | undefined
  /** `sso`, with roles in the claim `groups`; undefined unless it was asked for. */
  provider: TestProvider | undefined
  /** The way of the browsers to `serve`. */
  way: CutWay
  /** An administrator's key of the HTTP API. */
  key: string
  /** Asks the HTTP API with the key. Throws for an answer that is an error. */
  ask<Answer>(path: string, json?: unknown, method?: string): Promise<Answer>
  /** Makes a backup of the source, and resolves to its id. */
  backUp(source: string): Promise<string>
  /** Resolves to the job when it has ended. */
  ended(jobId: string): Promise<EndedJob>
  /** Makes a person anew, and the address of a link that signs them in once. */
  invite(name: string, role?: Role): Promise<string>
  /** Signs a new person in, and resolves to the cookies of a browser of theirs. */
  signIn(name: string, role?: Role): Promise<NonNullable<Look['cookies']>>
  /** As if everybody had last proved six minutes ago who they are, which is too long ago for some acts. */
  ageFactors(): Promise<void>
  /** Ends `serve` by a signal, and starts another one, which the way leads to. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

interface EndedJob {
  id: string
  state: string
  backup_id: string | null
  error: { message: string } | null
}

/**
 * @param of.withServer whether `shop` is a database on a server, with the target `staging` beside it
 * @param of.withProvider whether people can sign in at a provider
 */
export async function openSite({
  withServer = false,
  withProvider = false,
}: {
  withServer?: boolean
  withProvider?: boolean
} = {}): Promise<Site> {
  const provider = withProvider ? await startProvider() : undefined
  const vault = await openTestVault()
  const catalog = await openTestCatalog()
  const server = withServer ? await startPostgresServer(await installedServer()) : undefined
  await server?.sql('postgres', 'create database shop')
  await server?.sql(
    'shop',
    'create table orders as select n as id, md5(n::text) as item from generate_series(1, 500) n',
  )
  const config = join(vault.folder, 'telegram-backup.yaml')
  await writeSources(vault.folder, config, server)
  if (provider !== undefined) await appendFile(config, providerSettings(provider))
  const env = {
    ...(await cliEnvironment(vault)),
    ...catalog.env,
    TELEGRAM_BACKUP_CONFIG: config,
    BACKUP_SIGNING_KEY_FILE: process.env['BACKUP_SIGNING_KEY_FILE'] ?? '',
  }
  let serve = startServe(env, ['--json'])
  await serve.ready
  const way = await openCutWay(urlOf(serve))
  const url = `${way.url}/`
  const { key } = await createApiKey(catalog, { name: 'site', scopes: ['admin'] })
  const invite = async (name: string, role: Role = 'admin'): Promise<string> => {
    await forget(catalog, name)
    const { link } = await addPerson(catalog, { name, role })
    return signInUrl(url, link.secret)
  }
  const site: Site = {
    url,
    vault,
    catalog,
    server,
    provider,
    way,
    key,
    ask: async <Answer>(path: string, json?: unknown, method = json === undefined ? 'GET' : 'POST') => {
      const answer = await fetch(new URL(`api/v1/${path}`, urlOf(serve)), {
        method,
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      })
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as Answer
    },
    backUp: async source => {
      const { job_id: job } = await site.ask<{ job_id: string }>('backups', { source })
      const { backup_id: backup, error } = await site.ended(job)
      if (backup === null || error !== null) throw new Error(`No backup of ${source}: ${error?.message}`)
      return backup
    },
    ended: async jobId => {
      for (;;) {
        const job = await site.ask<EndedJob>(`jobs/${jobId}`)
        if (['done', 'failed', 'cancelled'].includes(job.state)) return job
        await delay(100)
      }
    },
    invite,
    signIn: async (name, role) => await cookiesFor(url, await invite(name, role)),
    ageFactors: async () => {
      await sql`update control_plane.sessions set factor_at = factor_at - interval '6 minutes'`.execute(
        catalog.kysely,
      )
    },
    kill: async () => void (await serve.end('SIGKILL')),
    start: async () => {
      serve = startServe(env, ['--json'])
      await serve.ready
      way.lead(urlOf(serve))
    },
    close: async () => {
      await way.close()
      await serve.end('SIGTERM')
      await server?.stop()
      provider?.close()
      await vault.close()
      await catalog.discard()
    },
  }
  return site
}

/** A test that is tried again makes its people again. */
async function forget(catalog: TestCatalog, name: string): Promise<void> {
  const people = await pagePeople(catalog, { limit: 1_000 })
  const known = people.find(person => person.name === name)
  if (known !== undefined) await removePerson(catalog, known.id, { evenTheLast: true })
}

function urlOf(serve: ServeProcess): string {
  const [, url] = /"url": "([^"]+)"/.exec(serve.log()) ?? []
  if (url === undefined) throw new Error(`serve does not say where it listens: ${serve.log()}`)
  return url
}

/** A database or its dump, a directory and logs. */
async function writeSources(
  folder: string,
  config: string,
  server: PostgresServer | undefined,
): Promise<void> {
  const dump = 'create table public.orders (id integer);\ninsert into public.orders values (1), (2);\n'
  await writeFile(join(folder, 'shop.sql'), dump)
  await mkdir(join(folder, 'uploads', 'photos'), { recursive: true })
  await writeFile(join(folder, 'uploads', 'photos', 'cat.txt'), 'a cat\n'.repeat(1_000))
  await mkdir(join(folder, 'log'))
  await writeFile(join(folder, 'log', 'service.log'), 'started\n'.repeat(500))
  const shop =
    server === undefined ? `file: ${join(folder, 'shop.sql')}` : `postgres: "${server.url('shop')}"`
  const targets = server === undefined ? '{}' : `{ staging: { postgres: "${server.url('staging')}" } }`
  const text = `sources:
  shop: { project: shop, type: database, ${shop}, drill_within: 7d }
  uploads: { project: shop, type: storage, directory: ${join(folder, 'uploads')}, drill_within: 7d }
  logs: { project: operations, type: logs, directory: ${join(folder, 'log')} }
targets: ${targets}
`
  await writeFile(config, text, { mode: 0o600 })
}

function providerSettings({ issuer, clientId, clientSecret }: TestProvider): string {
  return `http:
  oidc:
    - name: sso
      title: Example SSO
      issuer: ${issuer}
      client_id: ${clientId}
      client_secret: ${clientSecret}
      roles: { claim: groups, values: { admins: admin, all: viewer } }
`
}

/** What a browser has after it has used the link. */
async function cookiesFor(url: string, link: string): Promise<NonNullable<Look['cookies']>> {
  const answer = await fetch(new URL('api/v1/session', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: new URL(url).origin },
    body: JSON.stringify({ link: new URL(link).hash.slice(1) }),
  })
  if (!answer.ok) throw new Error(`The link does not sign in: ${answer.status} ${await answer.text()}`)
  return answer.headers.getSetCookie().map(cookie => {
    const [pair = ''] = cookie.split(';')
    const [name = '', value = ''] = pair.split('=')
    return { name, value, url, httpOnly: true, sameSite: 'Strict' }
  })
}
