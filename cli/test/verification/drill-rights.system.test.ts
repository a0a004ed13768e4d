import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  installedServer,
  type PostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type DrillBench, openDrillBench } from '#test/verification/drill-bench.ts'

let bench: DrillBench
let server: PostgresServer
let before: string[]

beforeAll(async () => {
  bench = await openDrillBench()
  server = bench.server
  await server.sql('postgres', `${RICH_ROLES} create database rich`)
  await server.sql('rich', richSchema({ serverMajor: 15, rows: 500 }))
})

afterAll(() => bench.close())

beforeEach(async () => {
  before = await server.databases()
})

afterEach(() => bench.expectNothingLeft(before))

it('what only a superuser can restore is told before, when it is met, and drilled where the dump is trusted', async () => {
  const backup = await bench.send('--postgres', server.url('rich'))
  expect(await bench.drillUnread(backup.id)).toMatchObject({
    ...{ code: 2, report: { code: 'CONFIGURATION', error: expect.stringContaining('event trigger watch') } },
  })
  await bench.tamperWithRecord(backup.id, `source - 'needs_superuser' - 'bootstrap_superuser'`)
  const older = await bench.drill(backup.id)
  expect(older).toMatchObject({
    code: 2,
    report: {
      ...{ code: 'CONFIGURATION', state: 'sound', hint: expect.stringContaining('--trust-dump') },
      drill: { state: 'failed', error: expect.stringContaining('event trigger') },
    },
  })
  expect((await bench.show(backup.id)).damaged_at).toBeNull()
  const trusted = await bench.drill(backup.id, '--trust-dump')
  expect(trusted.code, trusted.stderr + JSON.stringify(trusted.report.drill)).toBe(0)
  expect(trusted.report.drill).toMatchObject({
    state: 'passed',
    notes: expect.arrayContaining([expect.stringContaining('superuser')]),
  })
})

it('the dumps of a source that telegram-backup.yaml trusts are drilled so without a word', async () => {
  const config = join(bench.vault.folder, 'trusting.yaml')
  const source = { project: 'shop', type: 'database', postgres: server.url('rich'), trust_dump: true }
  await writeFile(config, JSON.stringify({ sources: { trusted: source } }), { mode: 0o600 })
  const env = { TELEGRAM_BACKUP_CONFIG: config }
  const sent = await bench.cli(['send', '--source', 'trusted', '--json'], { env })
  const { databaseRecord } = sent.json() as IntegratedBackupResult
  const drilled = await bench.cli(['verify', databaseRecord?.id ?? '', '--drill', '--json'], { env })
  expect(drilled.code, sent.stderr + drilled.stderr).toBe(0)
  expect(drilled.json()).toMatchObject({ drill: { state: 'passed' } })
})

it('drills of a source with drill_on restore on the server of that target', async () => {
  const config = join(bench.vault.folder, 'elsewhere.yaml')
  const source = { project: 'shop', type: 'database', postgres: server.url('rich'), drill_on: 'scratch' }
  const targets = { scratch: { postgres: server.url('postgres') } }
  await writeFile(config, JSON.stringify({ sources: { elsewhere: source }, targets }), { mode: 0o600 })
  const env = { TELEGRAM_BACKUP_CONFIG: config }
  const sent = await bench.cli(['send', '--source', 'elsewhere', '--json'], { env })
  const { databaseRecord } = sent.json() as IntegratedBackupResult
  const drilled = await bench.cli(['verify', databaseRecord?.id ?? '', '--drill', '--json'], { env })
  expect(drilled.code, sent.stderr + drilled.stderr).toBe(0)
  expect(drilled.json()).toMatchObject({
    drill: { state: 'passed', where: expect.stringContaining('a database of its own on ') },
  })
})

it.each(['plain', 'custom'])(
  'a %s dump of all else that PostgreSQL has passes without any rights',
  async format => {
    await server.sql('rich', 'drop event trigger if exists watch')
    const backup = await bench.send('--postgres', server.url('rich'), '--format', format)
    const { code, report, stderr } = await bench.drill(backup.id)
    expect(code, stderr + JSON.stringify(report.drill)).toBe(0)
    expect(report.drill).toMatchObject({
      state: 'passed',
      where: 'a server of its own',
      differences: [],
      notes: [expect.stringMatching(/^amcheck has checked .*: they are sound\.$/)],
    })
  },
)

it('a library that the temporary server cannot load is named before, with a target that may have it', async () => {
  const library = join(await installedServer(), '..', 'lib', 'citext.so')
  await server.sql(
    'rich',
    `create function loaded(internal) returns internal language c as '${library}', 'citext_cmp'`,
  )
  const config = join(bench.vault.folder, 'library.yaml')
  const targets = { scratch: { postgres: server.url('none_yet') } }
  await writeFile(config, JSON.stringify({ targets }), { mode: 0o600 })
  const env = { TELEGRAM_BACKUP_CONFIG: config }
  const backup = await bench.send('--postgres', server.url('rich'))
  await server.sql('rich', 'drop function loaded')
  const run = await bench.cli(['verify', backup.id, '--drill', '--trust-dump', '--json'], { env })
  expect(run.code, run.stderr).toBe(2)
  expect(run.json()).toMatchObject({
    ...{ code: 'CONFIGURATION', error: expect.stringContaining(`cannot load the library ${library}`) },
    hint: expect.stringContaining('--on scratch'),
  })
})
