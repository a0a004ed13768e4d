import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonedJobs, drillUnits, jobsAtWork, listVerifications } from '@telegram-backup/database'
import { untilJob } from '@telegram-backup/test-support/jobs-world.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import { expectAtRest, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let chat: TestChat
let env: Record<string, string>
let database: TestCatalog
let serve: ServeProcess | undefined

const ROWS = Array.from({ length: 2000 }, (_, n) => `${n}\tnote ${n}\n`).join('')
const DUMP = `--
-- PostgreSQL database dump
--

-- Dumped from database version 17.5
-- Dumped by pg_dump version 17.5

CREATE TABLE public.orders (id integer, note text);

COPY public.orders (id, note) FROM stdin;
${ROWS}\\.

--
-- PostgreSQL database dump complete
--
`

beforeAll(async () => {
  vault = await openTestVault()
  chat = await openChat(vault)
  const dump = join(vault.folder, 'shop.sql')
  await writeFile(dump, DUMP)
  const config = join(vault.folder, 'telegram-backup.yaml')
  const source = `shop: { project: shop, type: database, file: ${dump} }`
  await writeFile(config, `sources:\n  ${source}\nverification: { drill_within: 1m }\n`, { mode: 0o600 })
  database = await openTestCatalog()
  env = { ...chat.env, ...database.env, TELEGRAM_BACKUP_CONFIG: config }
})

afterAll(async () => {
  await serve?.end('SIGKILL')
  await database?.discard()
  await vault?.close()
})

async function drillFolders(): Promise<string[]> {
  return (await readdir(env['TELEGRAM_BACKUP_HOME'] ?? '')).filter(name => /^drill-[0-9a-f]{8}$/.test(name))
}

test('a drill whose serve is killed while its server works is made by the next serve, and leaves nothing', async () => {
  const sent = await callCli(['send', '--source', 'shop', '--json'], { env })
  expect(sent.code, sent.stderr).toBe(0)
  // A drill within a minute is due after half of it.
  const aWhileAgo = new Date(Date.now() - 120_000)
  await database.kysely.updateTable('backups').set({ created_at: aWhileAgo }).execute()

  const [reached, killed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const unwatch = vault.emulator.watch(async ({ method, phase }) => {
    if (method !== 'getfile' || phase !== 'arrived' || (await drillFolders()).length === 0) return
    unwatch()
    reached.resolve()
    await killed.promise
  })
  serve = startServe(env)
  await Promise.race([reached.promise, serve.ready.then(() => reached.promise)])
  await serve.end('SIGKILL')
  killed.resolve()
  expect(await drillFolders()).toHaveLength(1)
  const [unit] = await drillUnits(database)
  expect(unit).toMatchObject({ is_drilling: true, proven_at: null })
  expect(await jobsAtWork(database, { limit: 9 })).toEqual([])

  const [{ id } = { id: '' }] = await abandonedJobs(database)
  serve = startServe(env)
  expect(await untilJob(database, id, ['done', 'failed', 'cancelled'])).toMatchObject({
    ...{ state: 'done', attempt: 2, tries: { INTERRUPTED: 1 }, options: { planned: true } },
  })
  expect((await drillUnits(database))[0]).toMatchObject({ is_drilling: false, proven_depth: 'dump' })
  expect(await listVerifications(database, unit?.backup_id ?? '')).toMatchObject([
    { kind: 'drill', state: 'sound', job_id: id },
    { kind: 'data', state: 'sound' },
    { kind: 'drill', state: 'failed', error: 'It was interrupted', code: null },
    { kind: 'data', state: 'sound' },
  ])
  expect(await serve.end('SIGTERM'), serve.log()).toBe(0)
  expect(await drillFolders()).toEqual([])
  const notices = chat.messages().filter(({ document }) => document === undefined)
  await expectAtRest(
    chat,
    database,
    notices.map(({ message_id }) => message_id),
  )
})
