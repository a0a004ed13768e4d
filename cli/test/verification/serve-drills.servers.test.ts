import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadOrCreateSigningKey, signerFingerprint } from '@telegram-backup/archive'
import { type DrillUnit, drillUnits } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import { copyServerPrograms, type ServerPrograms } from '@telegram-backup/test-support/servers/npm-server.ts'
import {
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** Three drills in a row; a busy machine takes longer than the two minutes that it should. */
const PATIENCE_MS = 600_000
const SCHEMA = `
  create table visits (id int, day date, note text) partition by range (day);
  create table visits_2025 partition of visits for values from ('2025-01-01') to ('2026-01-01');
  create table visits_2026 partition of visits for values from ('2026-01-01') to ('2027-01-01');
  insert into visits select n, date '2025-01-01' + n, md5(n::text) from generate_series(1, 700) n;
  select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex'));`

let vault: TestVault
let env: Record<string, string>
let home: string
let database: TestCatalog
const programs: ServerPrograms[] = []
const servers: PostgresServer[] = []
let serve: ServeProcess | undefined

beforeAll(async () => {
  vault = await openTestVault()
  for (const major of [13, 15]) {
    const copied = await copyServerPrograms(major)
    programs.push(copied)
    const server = await startPostgresServer(copied.bin)
    servers.push(server)
    await server.sql('postgres', 'create database shop')
    await server.sql('shop', SCHEMA)
  }
  const papers = join(vault.folder, 'papers')
  await mkdir(papers)
  await writeFile(join(papers, 'one.txt'), 'one '.repeat(10_000))
  const config = join(vault.folder, 'telegram-backup.yaml')
  const [old, newer] = servers.map(server => server.url('shop'))
  await writeFile(
    config,
    `sources:
  old: { project: shop, type: database, postgres: "${old}" }
  newer: { project: shop, type: database, postgres: "${newer}" }
  papers: { project: shop, type: storage, directory: ${papers} }
verification: { drill_within: 2m }
`,
    { mode: 0o600 },
  )
  database = await openTestCatalog()
  env = { ...(await cliEnvironment(vault)), ...database.env, TELEGRAM_BACKUP_CONFIG: config }
  home = env['TELEGRAM_BACKUP_HOME'] ?? ''
})

afterAll(async () => {
  await serve?.end('SIGKILL')
  await database?.discard()
  for (const server of servers) await server.stop()
  for (const copied of programs) await copied.remove()
  await vault?.close()
})

async function units(): Promise<DrillUnit[]> {
  return await drillUnits(database)
}

async function drillFolders(): Promise<string[]> {
  return (await readdir(home)).filter(name => /^drill-[0-9a-f]{8}$/.test(name))
}

/** The messages with evidence in the chat. */
function posted(): unknown[] {
  return vault.emulator.inspect
    .messages(vault.chatId)
    .filter(({ caption }) => caption?.includes('\ntelegram-backup 1 evidence='))
}

async function done(args: string[], of: Record<string, string>): Promise<unknown> {
  const ran = await runCli([...args, '--json'], { env: of })
  expect(ran.code, `${args.join(' ')}: ${ran.stderr}`).toBe(0)
  return ran.json()
}

test('serve alone proves every source, posts the proofs, and an empty machine recovers them', async () => {
  for (const source of ['old', 'newer', 'papers']) await done(['send', '--source', source], env)
  serve = startServe(env)
  await serve.ready
  await expect
    .poll(async () => (await units()).map(({ proven_at }) => proven_at !== null), {
      interval: 1_000,
      timeout: PATIENCE_MS,
    })
    .toEqual([true, true, true])
  const proven = await units()
  const reports = proven.map(async ({ source_name, measured: [newest] }) => {
    const kept = database.kysely.selectFrom('verifications').select('report')
    const { report } = await kept.where('id', '=', newest?.verification_id ?? '').executeTakeFirstOrThrow()
    return [source_name, report]
  })
  expect(await Promise.all(reports)).toEqual(
    ['newer', 'old', 'papers'].map(name => [
      name,
      expect.objectContaining({ state: 'passed', compared: expect.objectContaining({ contents: 'equal' }) }),
    ]),
  )
  await expect.poll(() => posted().length, { interval: 1_000 }).toBeGreaterThanOrEqual(3)
  expect(await serve.end('SIGTERM')).toBe(0)
  expect(await drillFolders()).toEqual([])

  const records = posted().length
  const signer = signerFingerprint(await loadOrCreateSigningKey(join(home, 'signing-key.pem')))
  const empty = await openTestCatalog()
  try {
    const there = { ...env, ...empty.env, TELEGRAM_BACKUP_HOME: join(vault.folder, 'another-machine') }
    expect(await done(['recover', '--signer', signer], there)).toMatchObject({ evidence: records })
    for (const source of ['old', 'newer', 'papers'])
      expect(await done(['show', `latest:${source}`], there), source).toMatchObject({
        verifications: expect.arrayContaining([
          expect.objectContaining({ kind: 'drill', state: 'sound', depth: 'contents' }),
        ]),
      })
    const file = join(vault.folder, 'evidence.json')
    await done(['evidence', 'export', '--out', file], there)
    expect(await done(['evidence', 'verify', file, '--signer', signer], {})).toMatchObject({ records })
  } finally {
    await empty.discard()
  }
})
