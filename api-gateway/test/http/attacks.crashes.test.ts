import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createJob, createSchedule, listApiKeys, listJobs, revokeApiKey } from '@telegram-backup/database'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'
import { rawExchange } from '#test/http/raw-exchange.ts'

let service: TestService
let admin: string

beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
})

afterAll(async () => {
  await service.close()
})

async function statusOf(path: string, options: Parameters<TestService['ask']>[1]): Promise<number> {
  const answer = await service.ask(path, options)
  await answer.arrayBuffer()
  return answer.status
}

describe('a key that is bound to a project', () => {
  let bound: string
  let theirs: { backup: string; job: string; schedule: string }

  beforeAll(async () => {
    bound = await service.key(['admin'], { projectId: 'shop' })
    const { database } = service
    const backup = await upload(service, { key: admin, bytes: Buffer.from('theirs'), project: 'other' })
    await upload(service, { key: admin, bytes: Buffer.from('ours') })
    const { job } = await createJob(
      database,
      { kind: 'backup', projectId: 'other', source: 'other' },
      async () => {},
    )
    await createJob(database, { kind: 'expire' }, async () => {})
    const schedule = await createSchedule(database, {
      source: 'other',
      projectId: 'other',
      type: 'logs',
      cron: '0 0 * * *',
      timezone: 'UTC',
      nextRunAt: null,
    })
    theirs = { backup, job: job.id, schedule: schedule.id }
  })

  it('gets 404 for every id of another project, in the words for an id that does not exist', async () => {
    const { backup, job, schedule } = theirs
    const asked: [string, string, string, unknown?][] = [
      ['GET', '/backups/', backup],
      ['GET', '/backups//content', backup],
      ['DELETE', '/backups/', backup],
      ['POST', '/backups//restore', backup, { target: 'staging' }],
      ['POST', '/backups//verify', backup, {}],
      ['GET', '/jobs/', job],
      ['GET', '/jobs//events', job],
      ['DELETE', '/jobs/', job],
      ['PATCH', '/schedules/', schedule, { enabled: false }],
      ['DELETE', '/schedules/', schedule],
    ]
    for (const [method, path, id, json] of asked) {
      const ask = (of: string) =>
        service.ask(path.endsWith('/') ? path + of : path.replace('//', `/${of}/`), {
          key: bound,
          method,
          json,
        })
      const [answer, unknown] = [await ask(id), await ask('3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11')]
      expect(answer.status, `${method} ${path}`).toBe(404)
      const words = async (one: Response) => ({ ...((await one.json()) as object), instance: '' })
      expect(await words(answer)).toEqual(await words(unknown))
    }
    expect((await listJobs(service.database, { limit: 50, state: 'cancelled' })).length).toBe(0)
  })

  it('finds only its own in lists and statistics, and may not name another project', async () => {
    for (const path of ['/backups', '/jobs', '/schedules']) {
      const { items } = (await (await service.ask(path, { key: bound })).json()) as {
        items: { project_id: string }[]
      }
      expect(items.filter(({ project_id }) => project_id !== 'shop')).toEqual([])
    }
    expect(await (await service.ask('/stats', { key: bound })).json()).toMatchObject({ total_backups: 1 })
    for (const path of ['/backups', '/jobs', '/stats']) {
      expect(await statusOf(`${path}?project_id=other`, { key: bound })).toBe(404)
      expect(await statusOf(`${path}?project_id=nobody`, { key: bound })).toBe(404)
    }
  })

  it('makes nothing for another project', async () => {
    const before = await listJobs(service.database, { limit: 500 })
    expect(await statusOf('/backups', { key: bound, json: { source: 'other' } })).toBe(404)
    const schedule = { source: 'other', cron: '* * * * *' }
    expect(await statusOf('/schedules', { key: bound, json: schedule })).toBe(404)
    const query = '/backups/upload?project_id=other&type=logs'
    expect(await statusOf(query, { key: bound, body: 'x' })).toBe(404)
    const [ours] = (
      (await (await service.ask('/backups', { key: bound })).json()) as { items: { id: string }[] }
    ).items
    // A target of another project, or of none, is as good as none.
    for (const target of ['other-db', 'staging']) {
      const json = { target, overwrite: true }
      expect(await statusOf(`/backups/${ours?.id}/restore`, { key: bound, json }), target).toBe(404)
    }
    expect(await statusOf('//metrics', { key: bound, headers: { 'X-Forwarded-For': '192.0.2.1' } })).toBe(403)
    expect(await listJobs(service.database, { limit: 500 })).toEqual(before)
  })
})

describe('keys', () => {
  it('that are revoked, expired, shortened, lengthened or of another case are refused at once', async () => {
    const key = await service.key(['read'])
    expect(await statusOf('/backups', { key })).toBe(200)
    for (const wrong of [
      key.slice(0, -1),
      `${key}A`,
      key.toUpperCase(),
      key.slice(4),
      'tbk_',
      `${key},${key}`,
    ]) {
      expect(await statusOf('/backups', { key: wrong }), wrong.slice(0, 6)).toBe(401)
    }
    for (const header of [key, `Basic ${btoa(`x:${key}`)}`, `Bearer  `, `Bearer ${key} ${key}`]) {
      expect(await statusOf('/backups', { headers: { Authorization: header } })).toBe(401)
    }
    expect(await statusOf(`/backups?api_key=${key}`, {})).toBe(401)
    const apiKey = (await listApiKeys(service.database)).findLast(({ prefix }) => key.startsWith(prefix))
    await revokeApiKey(service.database, apiKey?.id ?? '')
    expect(await statusOf('/backups', { key })).toBe(401)
    const { kysely } = service.database
    const brief = await service.key(['read'], { expiresAt: new Date(Date.now() + 600_000) })
    expect(await statusOf('/backups', { key: brief })).toBe(200)
    await sql`update control_plane.api_keys set expires_at = 'epoch' where expires_at > now()`.execute(kysely)
    expect(await statusOf('/backups', { key: brief })).toBe(401)
  })

  it('lie in the catalog as a hash alone, and in no line of the log', async () => {
    const key = await service.key(['read'])
    await statusOf('/backups', { key })
    await statusOf(`/jobs/${key}`, { key })
    await statusOf('/backups', { key: `${key}x` })
    const { rows } = await sql<{ row: string }>`select k::text as row from control_plane.api_keys k`.execute(
      service.database.kysely,
    )
    const everything = [...rows.map(({ row }) => row), ...service.log].join('\n')
    expect(everything).not.toContain(key.slice(0, 20))
    expect(everything).not.toContain(Buffer.from(key).toString('hex'))
  })
})

describe('what is written into a request', () => {
  const PATHS = [
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    '/etc/passwd',
    'file:///etc/passwd',
    'a\0b',
    '..\\..',
    '.',
  ]

  it('never becomes a path: each field refuses what climbs', async () => {
    for (const path of PATHS) {
      const encoded = encodeURIComponent(path)
      expect(await statusOf('/backups', { key: admin, json: { source: path } }), path).toBe(400)
      expect(await statusOf('/schedules', { key: admin, json: { source: path, cron: '* * * * *' } })).toBe(
        400,
      )
      expect(await statusOf(`/backups?project_id=${encoded}`, { key: admin })).toBe(400)
      expect(await statusOf(`/stats?project_id=${encoded}`, { key: admin })).toBe(400)
      expect(await statusOf(`/jobs?project_id=${encoded}`, { key: admin })).toBe(400)
      expect(
        await statusOf(`/backups/upload?project_id=${encoded}&type=logs`, { key: admin, body: 'x' }),
      ).toBe(400)
      expect(
        await statusOf(
          `/backups/upload?project_id=shop&type=logs&filename=${encodeURIComponent(`/${path}`)}`,
          {
            key: admin,
            body: 'x',
          },
        ),
      ).toBe(400)
      // The client itself takes a dot alone for the folder.
      for (const of of path === '.' ? [] : ['backups', 'jobs']) {
        expect([400, 404, 405]).toContain(await statusOf(`/${of}/${encoded}`, { key: admin }))
      }
    }
    const raw = `GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    expect(await rawExchange(service.server.port, raw)).toMatch(/^HTTP\/1.1 (401|404)/)
  })

  it('cannot make the server ask another one: sources and targets are names', async () => {
    let calls = 0
    const trap: Server = createServer((_request, response) => {
      calls += 1
      response.end()
    })
    trap.on('connection', () => {
      calls += 1
    })
    await new Promise<void>(resolve => trap.listen(0, '127.0.0.1', resolve))
    const { port } = trap.address() as AddressInfo
    const [backup] = (
      (await (await service.ask('/backups', { key: admin })).json()) as { items: { id: string }[] }
    ).items
    for (const url of [
      `http://127.0.0.1:${port}/`,
      `postgresql://127.0.0.1:${port}/x`,
      `127.0.0.1:${port}`,
      `shop?host=127.0.0.1&port=${port}`,
    ]) {
      const refused = [
        await statusOf('/backups', { key: admin, json: { source: url } }),
        await statusOf('/backups', { key: admin, json: { source: 'shop', postgres: url } }),
        await statusOf('/backups', { key: admin, json: { source: { postgres: url } } }),
        await statusOf('/schedules', { key: admin, json: { source: url, cron: '* * * * *' } }),
        await statusOf(`/backups/${backup?.id}/restore`, { key: admin, json: { target: url } }),
      ]
      expect(refused).toEqual([400, 400, 400, 400, 400])
    }
    expect(calls).toBe(0)
    trap.close()
  })

  it('cannot add a header or a line: names come back encoded, or are refused', async () => {
    for (const name of ['a\r\nSet-Cookie: x=1.sql', 'a\nb.sql', 'a\u0085b']) {
      const query = `project_id=shop&type=logs&filename=${encodeURIComponent(name)}`
      expect(await statusOf(`/backups/upload?${query}`, { key: admin, body: 'x' })).toBe(400)
    }
    for (const name of ['"; filename=evil.exe; x=".sql', 'ä€😀.sql', "it's 100%41.sql", 'a;b=c.html']) {
      const id = await upload(service, { key: admin, bytes: randomBytes(10), filename: name })
      const answer = await service.ask(`/backups/${id}/content`, { key: admin })
      const header = answer.headers.get('content-disposition') ?? ''
      expect(header).toMatch(
        /^attachment; filename=("(?:[^"\\]|\\.)*"|[\w.-]+)(; filename\*=UTF-8''[\w.%!#$&+^`|~-]+)?$/,
      )
      expect(answer.headers.get('content-type')).toBe('application/octet-stream')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      await answer.arrayBuffer()
    }
  })

  it('cannot forge a line of the log, nor an id of a request', async () => {
    const forged = '{"level":"info","msg":"forged"}'
    const text = [
      `GET /api/v1/backups/x%0a${encodeURIComponent(forged)} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${admin}`,
      `X-Request-Id: x ${forged}`,
      'Connection: close',
      '\r\n',
    ].join('\r\n')
    const answer = await rawExchange(service.server.port, text)
    expect(answer).toMatch(/X-Request-Id: [0-9a-f-]{36}\r\n/)
    for (const line of service.log) {
      expect(line.indexOf('\n')).toBe(line.length - 1)
      expect(JSON.parse(line)).not.toMatchObject({ msg: 'forged' })
    }
    const known = await service.ask('/nothing', { key: admin, headers: { 'X-Request-Id': 'deploy-7.1' } })
    expect(known.headers.get('x-request-id')).toBe('deploy-7.1')
    expect(await known.json()).toMatchObject({ instance: 'urn:request:deploy-7.1' })
    expect(service.log.some(line => JSON.parse(line).request_id === 'deploy-7.1')).toBe(true)
  })

  it('names no secret of the configuration in any answer', async () => {
    const answers = await Promise.all(
      [
        service.ask('/backups', { key: admin, json: { source: 'unset' } }),
        service.ask('/backups', { key: admin, json: { source: 'nobody' } }),
        service.ask('//openapi.json'),
        service.ask('//docs'),
      ].map(async answer => (await answer).text()),
    )
    expect(answers.join()).not.toContain('s3cret')
    expect(answers.join()).not.toContain(service.vault.token)
    expect(service.log.join()).not.toContain('s3cret')
  })
})

describe('the metrics', () => {
  it('are open to this machine alone, and not through a proxy that shows itself', async () => {
    expect(await statusOf('//metrics', {})).toBe(200)
    expect(await statusOf('//metrics', { headers: { 'X-Forwarded-For': '192.0.2.1' } })).toBe(401)
    const rebound = `GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
    expect(await rawExchange(service.server.port, rebound)).toMatch(/^HTTP\/1.1 401/)
    const read = await service.key(['read'])
    const through = { 'X-Forwarded-For': '192.0.2.1' }
    expect(await statusOf('//metrics', { key: read, headers: through })).toBe(200)
    expect(await statusOf('//metrics', { key: await service.key(['backup']), headers: through })).toBe(403)
  })
})
