import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  addPerson,
  type Database,
  findSession,
  getPerson,
  makeSignInLink,
  nameKey,
  pagePeople,
  pruneSessions,
  ROLES,
  type Role,
  removePerson,
  signInByLink,
} from '#index.ts'

/** People who sign in, their links and sessions. */
export function describePeople(open: () => Promise<Database>): void {
  describe('people', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const secretFor = async (id: string): Promise<string> =>
      (await makeSignInLink(database, id))?.secret ?? ''

    test('a name is the same in any case and form, and free again when its person is removed', async () => {
      const { id } = await addPerson(database, { name: 'Zoë', role: 'admin' })
      expect(nameKey('ZOE\u0308')).toBe('zoë')
      await expect(addPerson(database, { name: 'ZOE\u0308', role: 'viewer' })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: 'Somebody with this name exists already',
      })
      await removePerson(database, id, { evenTheLast: true })
      expect(await getPerson(database, id)).toBeNull()
      await addPerson(database, { name: 'zoë', role: 'viewer' })
      expect((await pagePeople(database, { limit: 9 })).map(({ name }) => name)).toEqual(['zoë'])
    })

    test.each([
      '',
      ' ann',
      'ann ',
      'a\u202eb',
      'a\nb',
      '<b>',
      'a/b',
      'x'.repeat(65),
      '\ud800',
      'tbk_\0',
      'ann\u3164',
      'a\ufe0fnn',
    ])('nobody is called %j', async name => {
      await expect(addPerson(database, { name, role: 'viewer' })).rejects.toMatchObject({ code: 'INVALID' })
    })

    test('the roles are those of the database', async () => {
      for (const role of ROLES) await addPerson(database, { name: `a ${role}`, role })
      const unknown = addPerson(database, { name: 'x', role: 'owner' as Role })
      await expect(unknown).rejects.toMatchObject({ code: 'INVALID' })
      const planted = sql`insert into control_plane.people (name, name_key, role) values ('x', 'x', 'owner')`
      await expect(planted.execute(database.kysely)).rejects.toThrow()
    })

    test('of twenty who use a link at once, one gets in', async () => {
      const { id } = await addPerson(database, { name: 'ann', role: 'viewer' })
      const secret = await secretFor(id)
      const all = await Promise.all(Array.from({ length: 20 }, () => signInByLink(database, secret, {})))
      const winners = all.filter(one => one !== null)
      expect(winners).toHaveLength(1)
      expect(await findSession(database, winners[0]?.secret ?? '')).toMatchObject({ person: { id } })
      expect(await findSession(database, secret)).toBeNull()
    })

    test('links and sessions are forgotten some time after their end, and not before', async () => {
      const { id } = await addPerson(database, { name: 'ann', role: 'viewer' })
      for (let count = 0; count < 3; count++) await signInByLink(database, await secretFor(id), {})
      const count = async (): Promise<[number, number]> => {
        const { rows } = await sql<{ sessions: number; links: number }>`
          select (select count(*) from control_plane.sessions) as sessions,
                 (select count(*) from control_plane.sign_in_links) as links`.execute(database.kysely)
        return [rows[0]?.sessions ?? -1, rows[0]?.links ?? -1]
      }
      const age = async (by: string): Promise<void> => {
        await sql`update control_plane.sessions set expires_at = expires_at - ${by}::interval`.execute(
          database.kysely,
        )
        await sql`update control_plane.sign_in_links set expires_at = expires_at - ${by}::interval`.execute(
          database.kysely,
        )
      }
      await age('7 days')
      expect(await pruneSessions(database, { limit: 2 })).toBe(0)
      expect(await count()).toEqual([3, 1])
      await age('31 days')
      expect(await pruneSessions(database, { limit: 2 })).toBe(2)
      expect(await pruneSessions(database, { limit: 2 })).toBe(1)
      expect(await count()).toEqual([0, 0])
      expect(await getPerson(database, id)).toMatchObject({ last_seen_at: null })
    })
  })
}
