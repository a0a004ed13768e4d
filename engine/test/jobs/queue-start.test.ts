import { setTimeout as delay } from 'node:timers/promises'
import { rolesWithRights } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import { openJobQueue } from '#wiring.ts'

test('a queue whose schema somebody else makes at the same moment opens all the same, and leaves no transaction open', async () => {
  const catalog = await openTestCatalog()
  try {
    const waiting = sql`select 1 from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`
    let opening: Promise<PgBossQueue> | undefined
    await catalog.kysely.transaction().execute(async trx => {
      await sql`create schema pgboss`.execute(trx)
      opening = openJobQueue(catalog, { tends: false })
      // It fails when this one commits; until then nobody else sees the schema.
      while ((await waiting.execute(catalog.kysely)).rows.length === 0) await delay(10)
    })
    const queue = await opening
    await queue?.open('verify')
    await queue?.stop()
    const { rows } = await sql`select 1 from pg_stat_activity
        where state like 'idle in transaction%' and datname = current_database()`.execute(catalog.kysely)
    expect(rows).toEqual([])
  } finally {
    await catalog.discard()
  }
})

test('a schema for the queue that another role has made since the catalog was opened is refused, and nothing is made in it', async () => {
  const catalog = await openTestCatalog()
  try {
    await sql`do $$ begin
      create role mallory; execute format('grant create on database %I to mallory', current_database());
      set role mallory; create schema pgboss; grant all on schema pgboss to public; reset role;
    end $$`.execute(catalog.kysely)
    await expect(openJobQueue(catalog, { tends: false })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('schema pgboss belongs to role "mallory"'),
    })
    // Whose the schema is, drops what is in it, and puts functions of his own in its place: they would run
    // with our rights.
    const { rows } = await sql`
      select relname from pg_class where relnamespace = 'pgboss'::regnamespace
       union all
      select proname from pg_proc where pronamespace = 'pgboss'::regnamespace`.execute(catalog.kysely)
    expect(rows).toEqual([])
  } finally {
    await catalog.discard()
  }
})

test('default privileges give nobody a right in the queue', async () => {
  const catalog = await openTestCatalog()
  try {
    await sql`do $$ begin
      create role reader; alter default privileges grant all on tables to public;
      alter default privileges grant all on schemas to public; alter default privileges grant all on functions to public;
    end $$`.execute(catalog.kysely)
    const queue = await openJobQueue(catalog, { tends: false })
    await queue.stop()
    expect(await rolesWithRights(catalog)).toEqual([])
  } finally {
    await catalog.discard()
  }
})
