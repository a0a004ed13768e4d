import { setTimeout as delay } from 'node:timers/promises'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import { openJobQueue } from '#wiring.ts'

test('a queue whose schema somebody else makes at the same moment opens all the same, and leaves no transaction open', async () => {
  const catalog = await openTestCatalog()
  try {
    const waiting = sql`select 1 from pg_stat_activity where wait_event_type = 'Lock'`
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
    const { rows } =
      await sql`select 1 from pg_stat_activity where state like 'idle in transaction%'`.execute(
        catalog.kysely,
      )
    expect(rows).toEqual([])
  } finally {
    await catalog.discard()
  }
})
