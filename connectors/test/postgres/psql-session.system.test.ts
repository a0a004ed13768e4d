import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { PsqlSession } from '#postgres/psql-session.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
})

afterAll(() => server.stop())

it('an error of several lines is told whole, and none of them is taken for the next answer', async () => {
  const psql = await newestClientProgram('psql')
  const session = new PsqlSession(parsePostgresUrl(server.url('postgres')), { psql: psql.path })
  try {
    await session.begin('read only')
    for (let tries = 0; tries < 20; tries++) {
      await expect(session.ask(`select from "one\n7\ntwo"`)).rejects.toMatchObject({
        code: 'POSTGRES',
        message: expect.stringMatching(/relation "one\s+7\s+two" does not exist/),
      })
      expect(await session.ask('do $$ begin end $$')).toBeUndefined()
      expect(await session.ask(`select to_json('an answer'::text)`)).toBe('an answer')
    }
  } finally {
    await session.close()
  }
})
