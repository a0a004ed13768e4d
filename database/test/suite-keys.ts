import { createHash, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction } from '#connections.ts'
import { createApiKey, type Database, findApiKey, listApiKeys, revokeApiKey } from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'

/** Keys of the HTTP API. */
export function describeKeys(open: () => Promise<Database>): void {
  describe('keys', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const create = (more: Partial<Parameters<typeof createApiKey>[1]> = {}) =>
      createApiKey(database, { name: 'ci', scopes: ['read'], ...more })

    test('one is told when it is made, and never again: only its hash and its first characters are kept', async () => {
      const { apiKey, key } = await create({ scopes: ['read', 'backup', 'read'], projectId: 'shop' })
      expect(key).toMatch(/^tbk_[A-Za-z0-9_-]{43}$/)
      expect(apiKey).toEqual({
        id: expect.any(String),
        name: 'ci',
        prefix: key.slice(0, 10),
        scopes: ['read', 'backup'],
        project_id: 'shop',
        created_at: expect.any(Date),
        expires_at: null,
        last_used_at: null,
        revoked_at: null,
      })
      expect(await listApiKeys(database)).toEqual([apiKey])
      const { rows } = await sql<{ row: string; hash: string }>`
        select to_jsonb(api_keys)::text as row, encode(key_hash, 'hex') as hash from control_plane.api_keys
      `.execute(database.kysely)
      expect(rows[0]?.hash).toBe(createHash('sha256').update(key).digest('hex'))
      expect(rows[0]?.row).not.toContain(key.slice(10))
      expect((await create()).key).not.toBe(key)
    })

    test('it is found by its whole text only', async () => {
      const { apiKey, key } = await create()
      expect(await findApiKey(database, key)).toMatchObject({ id: apiKey.id, scopes: ['read'] })
      const bent = [
        key.slice(0, -1),
        `${key}x`,
        key.toUpperCase(),
        ` ${key}`,
        apiKey.prefix,
        apiKey.id,
        '',
        '\0',
      ]
      const strange = ["' or true --", '%', 'tbk_', '\ud800', 'x'.repeat(100_000)]
      for (const wrong of [...bent, ...strange]) expect(await findApiKey(database, wrong)).toBeNull()
      expect(await findApiKey(database, key)).not.toHaveProperty('key_hash')
      expect(await findApiKey(database, key)).not.toHaveProperty('is_stale')
    })

    test('how it is found does the same work for any text: one look into the index of the hashes', async () => {
      await create()
      const explained = await inTransaction(database.kysely, async trx => {
        await sql`set local enable_seqscan = off`.execute(trx)
        return await sql<{ 'QUERY PLAN': string }>`
          explain select * from control_plane.api_keys where key_hash = sha256('x')
        `.execute(trx)
      })
      expect(explained.rows.map(row => row['QUERY PLAN']).join('\n')).toContain('api_keys_key_hash_key')
    })

    test('one that has expired or was revoked is found no more, but stays in the list', async () => {
      const { apiKey, key } = await create({ expiresAt: new Date(Date.now() + 60_000) })
      expect(await findApiKey(database, key)).not.toBeNull()
      await sql`update control_plane.api_keys set expires_at = clock_timestamp() - interval '1 second'`.execute(
        database.kysely,
      )
      expect(await findApiKey(database, key)).toBeNull()
      await nextMillisecond(database)
      const other = await create()
      expect(await revokeApiKey(database, other.apiKey.id)).toBe(true)
      expect(await findApiKey(database, other.key)).toBeNull()
      const [, revoked] = await listApiKeys(database)
      expect(await revokeApiKey(database, other.apiKey.id)).toBe(true)
      expect((await listApiKeys(database))[1]).toEqual(revoked)
      expect(revoked?.revoked_at).toBeInstanceOf(Date)
      expect((await listApiKeys(database))[0]?.id).toBe(apiKey.id)
      for (const id of [randomUUID(), 'x']) expect(await revokeApiKey(database, id)).toBe(false)
    })

    test('its last use is written down once a minute at most, also by many requests at once', async () => {
      const { key } = await create()
      await sql`create table public.uses (at timestamptz)`.execute(database.kysely)
      await sql`create function public.note_use() returns trigger language plpgsql as
        $$ begin insert into public.uses values (clock_timestamp()); return new; end $$`.execute(
        database.kysely,
      )
      await sql`create trigger note_use after update on control_plane.api_keys
        for each row execute function public.note_use()`.execute(database.kysely)
      const uses = async () => (await sql`select at from public.uses`.execute(database.kysely)).rows.length
      try {
        const found = await Promise.all(Array.from({ length: 20 }, () => findApiKey(database, key)))
        expect(found).not.toContain(null)
        expect(await uses()).toBe(1)
        await findApiKey(database, key)
        expect(await uses()).toBe(1)
        await sql`update control_plane.api_keys set last_used_at = clock_timestamp() - interval '61 seconds'`.execute(
          database.kysely,
        )
        await Promise.all([findApiKey(database, key), findApiKey(database, key)])
        expect(await uses()).toBe(3)
        const [listed] = await listApiKeys(database)
        expect(Date.now() - (listed?.last_used_at?.getTime() ?? 0)).toBeLessThan(60_000)
      } finally {
        await sql`drop function public.note_use cascade; drop table public.uses`.execute(database.kysely)
      }
    })

    test.each<Partial<Parameters<typeof createApiKey>[1]>>([
      { name: '' },
      { scopes: [] },
      { scopes: ['root' as 'read'] },
      { projectId: '../x' },
      { expiresAt: new Date(Number.NaN) },
    ])('one with %j is refused', async more => {
      await expect(create(more)).rejects.toMatchObject({ code: 'INVALID' })
      expect(await listApiKeys(database)).toEqual([])
    })
  })
}
