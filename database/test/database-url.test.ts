import { once } from 'node:events'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { CatalogError, getBackupStats, migrate, openDatabase, queryBackups } from '#index.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
  url = await server.newDatabase()
})
afterAll(() => server.stop())

async function refusal(options: Parameters<typeof openDatabase>[0]): Promise<CatalogError> {
  const error = await openDatabase(options).then(
    async database => {
      await database.close()
      throw new Error('it was opened')
    },
    (reason: unknown) => reason,
  )
  if (!(error instanceof CatalogError)) throw error
  return error
}

/** A server that speaks as much PostgreSQL as it takes to answer each query with one row. */
async function pretender(version: string): Promise<{ url: string; close(): void }> {
  const message = (type: string, body: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), length, body])
  }
  const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
  const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value & 0xffff)])
  const column = (name: string, oid: number) =>
    Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(oid), int16(-1), int32(-1), int16(0)])
  const cell = (text: string) => Buffer.concat([int32(text.length), Buffer.from(text)])
  const ready = message('Z', Buffer.from('I'))
  const answer = Buffer.concat([
    message('T', Buffer.concat([int16(2), column('version', 23), column('name', 25)])),
    message('D', Buffer.concat([int16(2), cell(version), cell(`${Number(version) / 10_000}`)])),
    message('C', Buffer.from('SELECT 1\0')),
    ready,
  ])
  const listener = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', data => {
      if (data[0] === 0) socket.write(Buffer.concat([message('R', int32(0)), ready]))
      else if (data[0] === 0x51) socket.write(answer)
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { url: `postgresql://u:secret@127.0.0.1:${port}/d?sslmode=disable`, close: () => listener.close() }
}

test('the location names the place and no secret', async () => {
  const database = await openDatabase({ url })
  const { port, pathname } = new URL(url)
  expect(database.location).toBe(`PostgreSQL 127.0.0.1:${port}${pathname}`)
  expect(inspect(database, { depth: 20, showHidden: true })).not.toContain('p@ss')
  await database.close()
})

test('neither a URL nor a folder is a matter of configuration', async () => {
  for (const options of [{}, { url: '' }, { url: '', dataDir: '' }, undefined]) {
    expect(await refusal(options)).toMatchObject({
      code: 'CONFIGURATION',
      hint: expect.stringContaining('DATABASE_URL'),
    })
  }
})

test('each way in which a URL can be wrong has its own message and a hint, without user, password or address', async () => {
  const wrongPassword = url.replace(/:[^:@]+@/, ':hunter2@')
  const noSuchDatabase = url.replace(/\/[^/]+$/, '/hunter2')
  const nobodyThere = 'postgresql://owner:hunter2@127.0.0.1:1/x'
  const noTls = `${url}?sslmode=verify-full`
  const noSocket = 'postgresql://owner:hunter2@/x?host=/hunter2'
  const noPassword = url.replace(/:[^:@]+@/, '@')
  const old = await pretender('130014')
  const cases: [string, string, RegExp][] = [
    [wrongPassword, 'CONFIGURATION', /password/],
    [noSuchDatabase, 'CONFIGURATION', /does not exist/],
    [nobodyThere, 'CATALOG', /refused the connection/],
    [noTls, 'CONFIGURATION', /TLS/],
    [noSocket, 'CATALOG', /socket/],
    [noPassword, 'CONFIGURATION', /password/],
    [old.url, 'CONFIGURATION', /too old/],
    ['mysql://owner:hunter2@127.0.0.1/x', 'CONFIGURATION', /cannot be read/],
    ['postgresql://owner:hunter2/34@127.0.0.1/x', 'CONFIGURATION', /cannot be read/],
    ['postgresql://owner:12#hunter2@127.0.0.1/x', 'CONFIGURATION', /cannot be read/],
    ['hunter2', 'CONFIGURATION', /cannot be read/],
  ]
  for (const [address, code, message] of cases) {
    const error = await refusal({ url: address })
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/.{20}/),
    })
    expect(`${error.message} ${error.hint} ${error.stack}`).not.toMatch(/hunter2|owner/)
    expect(inspect(error)).not.toContain('hunter2@')
  }
  old.close()
})

test('a password with any characters, encoded or not, never shows', async () => {
  const secret = fc
    .string({ unit: 'grapheme', minLength: 6, maxLength: 12 })
    .filter(text => /\S{6}/.test(text))
  await fc.assert(
    fc.asyncProperty(secret, fc.boolean(), async (password, encoded) => {
      const written = encoded ? encodeURIComponent(password) : password
      const error = await refusal({ url: `postgresql://user:${written}@127.0.0.1:1/db` })
      for (const text of [error.message, error.hint ?? '', String(error.cause ?? '')]) {
        expect(text.includes(password) || text.includes(written)).toBe(false)
      }
    }),
    { numRuns: 8 },
  )
})

test('a server of a version that is just new enough is taken', async () => {
  const young = await pretender('140000')
  await (await openDatabase({ url: young.url })).close()
  young.close()
})

test('a connection that the server has ended is replaced without anybody noticing', async () => {
  const database = await openDatabase({ url })
  await migrate(database)
  const killer = await openDatabase({ url })
  for (let round = 0; round < 5; round++) {
    await Promise.all([queryBackups(database), getBackupStats(database), queryBackups(database)])
    await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.execute(
      killer.kysely,
    )
    expect((await queryBackups(database)).total).toBe(0)
  }
  await Promise.all([database.close(), killer.close()])
})

test('a closed catalog says so, and leaves no connection', async () => {
  const database = await openDatabase({ url })
  await queryBackups(database).catch(() => {})
  await database.close()
  await database.close()
  await expect(queryBackups(database)).rejects.toMatchObject({
    code: 'CATALOG',
    message: expect.stringContaining('closed'),
  })
  const observer = await openDatabase({ url })
  // A backend takes a moment to notice that its client has gone.
  await vi.waitFor(
    async () => {
      const others = sql`select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
      expect((await others.execute(observer.kysely)).rows).toEqual([])
    },
    { timeout: 60_000 },
  )
  await observer.close()
})

test('asking before the migrations says what to do', async () => {
  const database = await openDatabase({ url: await server.newDatabase() })
  await expect(queryBackups(database)).rejects.toMatchObject({
    code: 'CATALOG',
    hint: expect.stringContaining('migrat'),
  })
  await database.close()
})
