import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

let database: TestCatalog
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())

test('every reference that deleting a row acts upon has an index that begins with it', async () => {
  const { rows } = await sql<{ reference: string; is_indexed: boolean }>`
    select format('%s %s', k.conrelid::regclass, k.conname) as reference,
           exists (select from pg_index i
                    where i.indrelid = k.conrelid and i.indisvalid and i.indkey[0] = k.conkey[1]) as is_indexed
      from pg_constraint k
     where k.contype = 'f' and k.connamespace = 'control_plane'::regnamespace and k.confdeltype in ('n', 'c')
     order by 1`.execute(database.kysely)
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.filter(({ is_indexed }) => !is_indexed)).toEqual([])
})
