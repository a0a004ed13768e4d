import {
  checksumsOf,
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'
import { GOLDEN_STATES, type Golden, openGolden } from '#test/recovery/golden-state.ts'

describe.each(GOLDEN_STATES)('the databases of schema %s', name => {
  let golden: Golden
  let server: PostgresServer
  let env: Record<string, string>
  beforeAll(async () => {
    golden = await openGolden(name)
    server = await startPostgresServer(await installedServer())
    env = { ...golden.env, ...(await golden.openCatalog()) }
  })
  afterAll(async () => {
    await server?.stop()
    await golden?.close()
  })

  test('are restored, plain and custom alike, and a drill finds every row', async () => {
    const dumps: string[] = []
    for (const what of ['plain database', 'custom database']) {
      const id = golden.facts.ids[what] ?? ''
      const to = server.url(what.replace(' ', '_'))
      const args = ['restore', id, '--to', to, '--create-roles', '--yes', '--json']
      const run = await callCli(args, { env })
      expect(run.code, run.stderr).toBe(0)
      dumps.push(await dumpOf(to))
      const drill = await callCli(['verify', id, '--drill', '--json'], { env })
      expect(drill.code, drill.stderr).toBe(0)
    }
    expect(dumps[0]).toContain('what was ordered')
    expect(dumps[0]).toContain('GRANT SELECT ON TABLE sales.open_orders TO shop_reader')
    expect(dumps[1]).toBe(dumps[0])
    const sums = await checksumsOf(server, 'plain_database')
    expect(sums).toMatch(/^public\.notes\|3\|/m)
    expect(sums).toMatch(/^sales\.customer\|200\|/m)
    expect(sums).toMatch(/^sales\.orders\|800\|/m)
  })
})
