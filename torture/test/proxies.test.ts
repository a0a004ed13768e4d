import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApiProxy } from '#torture/proxies/api-proxy.ts'
import type { Gate, Moment } from '#torture/proxies/moments.ts'
import { openSqlProxy } from '#torture/proxies/sql-proxy.ts'
import { type CatalogServer, query, startCatalogServer, urlOf } from '#torture/world/catalog-server.ts'

describe('in front of PostgreSQL', () => {
  let server: CatalogServer
  let database: string

  beforeAll(async () => {
    server = await startCatalogServer()
    database = await server.createCatalog()
    await query(server.port, database, 'create table lines (text text)')
  })

  afterAll(async () => {
    await server.stop()
  })

  async function through(gate: Gate, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const proxy = await openSqlProxy(server.port, gate)
    const client = new pg.Client({ connectionString: urlOf(proxy.port, database) })
    client.on('error', () => {})
    await client.connect()
    await work(client).finally(() => client.end().catch(() => {}))
    await proxy.close()
  }

  const lines = async (): Promise<unknown[]> =>
    (await query(server.port, database, 'select text from lines order by 1')).map(({ text }) => text)

  test('statements pass unchanged, and each is seen before and after it is done', async () => {
    const moments: Moment[] = []
    const gate: Gate = moment => {
      moments.push(moment)
      return 'pass'
    }
    await through(gate, async client => {
      await client.query('begin')
      await client.query('insert into lines values ($1)', ['a'])
      await expect(client.query('select nothing')).rejects.toThrow('nothing')
      await client.query('rollback')
      expect((await client.query('select $1::int + 1 as sum', [41])).rows).toEqual([{ sum: 42 }])
    })
    expect(moments.map(({ phase, number }) => `${phase} ${number}`)).toEqual(
      [1, 2, 3, 4, 5].flatMap(number => [`before ${number}`, `after ${number}`]),
    )
    expect(moments[2]?.what).toBe('insert into lines values ($1)')
    expect(await lines()).toEqual([])
  })

  test.each([
    { phase: 'before', verdict: 'cut', expected: [] },
    { phase: 'before', verdict: 'deliver', expected: ['x'] },
    { phase: 'after', verdict: 'cut', expected: ['x'] },
  ] as const)('a statement met with $verdict $phase it leaves $expected', async of => {
    const gate: Gate = ({ phase }) => (phase === of.phase ? of.verdict : 'pass')
    await through(gate, client => expect(client.query("insert into lines values ('x')")).rejects.toThrow())
    await expect.poll(lines).toEqual(of.expected)
    await query(server.port, database, 'delete from lines')
  })

  test('a killed backend ends all connections, and whoever waits for the recovery finds a server that answers', async () => {
    const [victim, bystander] = [1, 2].map(
      () => new pg.Client({ connectionString: urlOf(server.port, database) }),
    ) as [pg.Client, pg.Client]
    const ends = [victim, bystander].map(async client => {
      client.on('error', () => {})
      await client.connect()
      return { ended: new Promise(resolve => client.once('end', resolve)) }
    })
    const [first, second] = (await Promise.all(ends)) as [{ ended: unknown }, { ended: unknown }]
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid')
    const { recovered } = await server.killBackends(rows.map(({ pid }) => pid))
    await recovered
    expect(await lines()).toEqual([])
    await Promise.all([first.ended, second.ended])
  })

  test('a killed server comes back with what was committed', async () => {
    await query(server.port, database, "insert into lines values ('kept')")
    await server.killAndRestart()
    expect(await lines()).toEqual(['kept'])
    await query(server.port, database, 'delete from lines')
  })
})

describe('in front of a Bot API server', () => {
  let seen: string[] = []
  let server: Server
  let root: string

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request.url ?? '')
      request.resume().on('end', () => response.end('{"ok":true}'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    root = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })

  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test('a call that is cut before it never reaches the server, one that is delivered does', async () => {
    for (const [verdict, expected] of [
      ['cut', []],
      ['deliver', ['/bot1:x/sendDocument']],
    ] as const) {
      seen = []
      const proxy = await openApiProxy(root, { gate: () => verdict, faultFor: () => undefined })
      await expect(fetch(`${proxy.url}/bot1:x/sendDocument`, { method: 'POST', body: 'x' })).rejects.toThrow()
      expect(seen).toEqual(expected)
      await proxy.close()
    }
  })

  test('what is held back arrives when it is let go', async () => {
    seen = []
    const proxy = await openApiProxy(root, {
      gate: () => 'pass',
      faultFor: method =>
        method === 'senddocument' ? { kind: 'late', ms: 'held', answer: 'bad-gateway' } : undefined,
    })
    const answer = await fetch(`${proxy.url}/bot1:x/sendDocument`, { method: 'POST', body: 'x' })
    expect(answer.status).toBe(502)
    expect([seen, proxy.held()]).toEqual([[], 1])
    await proxy.deliverLate()
    expect([seen, proxy.held()]).toEqual([['/bot1:x/sendDocument'], 0])
    await proxy.close()
  })
})
