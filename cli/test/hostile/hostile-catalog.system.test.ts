import type { Check } from '@telegram-backup/engine/doctor/check.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CatalogLife, lifeOfACatalog } from '#test/hostile/life-of-a-catalog.ts'
import { type Planted, plantOverloads, ranOf } from '#test/hostile/planter.ts'

// The catalog shares its database with somebody who may create in `public`, as everybody may up to PostgreSQL
// 14.

/**
 * An overload that fits the lock on an index better than PostgreSQL's own, and writes a key that may do
 * everything.
 */
const WRITES_A_KEY = `create function public.hashtextextended(text, int) returns bigint language plpgsql as $$ begin
  insert into control_plane.api_keys (name, key_hash, prefix, scopes)
    values ('mallory', sha256(gen_random_uuid()::text::bytea), 'tbk_', array['admin']);
  return 1; end $$`

let server: PostgresServer
const vaults: TestVault[] = []
beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql('postgres', "create role mallory; create role keeper login password 'k'")
})
afterAll(async () => {
  for (const vault of vaults) await vault.close()
  await server?.stop()
})

/** In a chat of its own, since a chat belongs to one catalog. */
async function lifeOf(database: string): Promise<CatalogLife> {
  const vault = await openTestVault()
  vaults.push(vault)
  return await lifeOfACatalog(vault, keepersUrl(database))
}

/** As the catalog's own role, which owns nothing but what it makes. */
function keepersUrl(database: string): string {
  const url = new URL(server.url(database))
  url.username = 'keeper'
  url.password = 'k'
  return url.href
}

async function makeDatabase(name: string, { owner }: { owner: string }): Promise<void> {
  await server.sql(
    'postgres',
    `create database ${name} owner ${owner}; grant create on database ${name} to keeper`,
  )
  await server.sql(name, 'grant create on schema public to mallory')
}

describe.each([
  { name: 'owned', owner: 'mallory' },
  { name: 'shared', owner: 'owner' },
])('in a database that is $name', ({ name, owner }) => {
  let life: CatalogLife
  let planted: Planted[]
  /** Some of it runs while it is planted, as the role that plants it. */
  let ranAtPlanting: string[]
  const ran = async (): Promise<string[]> => {
    const log = await server.log()
    return planted.flatMap(one => ranOf(one, log))
  }
  beforeAll(async () => {
    await makeDatabase(name, { owner })
    await makeDatabase(`${name}_anew`, { owner })
    const plant = (database: string): Promise<Planted> =>
      plantOverloads({
        run: sql => server.sql(database, sql),
        role: 'mallory',
        ownsDatabase: owner === 'mallory',
      })
    planted = [await plant(name), await plant(`${name}_anew`)]
    ranAtPlanting = await ran()
    life = await lifeOf(name)
  })

  it('nothing that a role without rights has planted runs while the catalog is made, used, served and recovered', async () => {
    await life.commands()
    await life.service()
    await life.recovery(keepersUrl(`${name}_anew`))
    expect(await ran()).toEqual(ranAtPlanting)
  })
})

it('a function that a role without rights has put into public writes no key', async () => {
  await makeDatabase('keys', { owner: 'owner' })
  await server.sql('keys', `set role mallory; ${WRITES_A_KEY}`)
  const life = await lifeOf('keys')
  await life.commands()
  expect(await server.sql('keys', 'select count(*) from control_plane.api_keys')).toBe('0')
})

it('doctor names a role that has rights in the catalog, and what another role owns there', async () => {
  await makeDatabase('named', { owner: 'owner' })
  const { env, command } = await lifeOf('named')
  const doctor = async () => {
    const { checks } = (await runCli(['doctor', '--json'], { env })).json() as { checks: Check[] }
    return checks.find(({ name }) => name === 'catalog')
  }
  await command('list')
  expect(await doctor()).toMatchObject({ state: 'ok' })
  await server.sql('named', 'grant usage, create on schema control_plane to mallory')
  expect(await doctor()).toMatchObject({ state: 'warning', hint: expect.stringContaining('mallory') })
  await server.sql('named', 'set role mallory; create view control_plane.odd as select 1 as one')
  expect(await doctor()).toMatchObject({
    state: 'failed',
    message: 'In the catalog, view control_plane.odd belongs to role "mallory"',
    hint: expect.stringContaining('ALTER VIEW control_plane.odd OWNER TO "keeper"'),
  })
})
