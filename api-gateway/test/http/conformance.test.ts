import { createJob, listJobs } from '@telegram-backup/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiConformance, type DescribedOperation, filled, needsCaller } from '#test/http/api-conformance.ts'
import { type AskOptions, openTestService, type TestService, upload } from '#test/http/http-service.ts'

const UNKNOWN_ID = '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'

let service: TestService
let api: ApiConformance
let admin: string
let backupId: string
let jobId: string
let scheduleId: string

beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
  const document = await (await service.ask('//openapi.json')).json()
  api = new ApiConformance(document as ConstructorParameters<typeof ApiConformance>[0])
  await upload(service, { key: admin, bytes: Buffer.from('an older one') })
  backupId = await upload(service, { key: admin, bytes: Buffer.from('the newest') })
  const { job } = await createJob(
    service.database,
    { kind: 'backup', projectId: 'shop', source: 'shop' },
    async () => {},
  )
  jobId = job.id
})

afterAll(async () => {
  await service.close()
})

function operation(method: string, path: string): DescribedOperation {
  const found = api.operations.find(one => one.method === method && one.path === path)
  if (found === undefined) throw new Error(`${method} ${path} is not in the document`)
  return found
}

/** Asks and holds the answer against the document. */
async function asked(
  method: string,
  path: string,
  options: AskOptions & { id?: string; query?: string } = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const { id, query = '', ...rest } = options
  const described = operation(
    method,
    path.startsWith('/') && !path.startsWith('//') ? `/api/v1${path}` : path.slice(1),
  )
  const answer = await service.ask(filled(path, id ?? '') + query, { key: admin, method, ...rest })
  const body = (await api.check(described, answer)) as Record<string, unknown>
  return { status: answer.status, body, headers: answer.headers }
}

describe('every route answers as the document says', () => {
  it('good requests', async () => {
    const good: [string, string, number, (AskOptions & { id?: string; query?: string })?][] = [
      ['GET', '/backups', 200],
      [
        'GET',
        '/backups',
        200,
        {
          query:
            '?project_id=shop&type=database&state=complete&from=2020-01-01&to=2099-01-01T00:00:00Z&limit=1',
        },
      ],
      ['GET', '/backups/{id}', 200, { id: backupId }],
      ['GET', '/backups/{id}/content', 200, { id: backupId }],
      ['POST', '/backups', 202, { json: { source: 'shop' }, headers: { 'Idempotency-Key': 'a' } }],
      [
        'POST',
        '/backups/upload',
        201,
        { query: '?project_id=shop&type=logs&filename=a.log', body: new Uint8Array([1, 2, 3]) },
      ],
      ['POST', '/backups/{id}/verify', 202, { id: backupId }],
      ['POST', '/backups/{id}/verify', 202, { id: backupId, json: { read_data: true } }],
      ['POST', '/backups/{id}/verify', 202, { id: backupId, json: { drill: true, on: 'staging' } }],
      ['POST', '/backups/{id}/restore', 202, { id: backupId, json: { target: 'staging', overwrite: true } }],
      ['GET', '/stats', 200],
      ['GET', '/stats', 200, { query: '?project_id=shop' }],
      ['GET', '/jobs', 200, { query: '?project_id=shop&state=queued&limit=2' }],
      ['GET', '/jobs/{id}', 200, { id: jobId }],
      ['DELETE', '/jobs/{id}', 202, { id: jobId }],
      ['GET', '/jobs/{id}/events', 200, { id: jobId }],
      ['GET', '/jobs/{id}/events', 204, { id: jobId, headers: { 'Last-Event-ID': '999' } }],
      ['GET', '/events', 200],
      ['GET', '/whoami', 200],
      ['GET', '/schedules', 200],
      ['DELETE', '/backups/{id}', 202, { id: backupId }],
      ['GET', '//healthz', 200],
      ['GET', '//readyz', 200],
      ['GET', '//metrics', 200],
    ]
    for (const [method, path, status, options] of good) {
      const answer = await asked(method, path, options)
      expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status)
      if (status === 202 && method === 'POST') {
        expect(answer.headers.get('location')).toBe(`/api/v1/jobs/${answer.body['job_id']}`)
      }
    }
  })

  it('a schedule is made, changed, listed and removed', async () => {
    const made = await asked('POST', '/schedules', {
      json: {
        source: 'shop',
        cron: '0 3 * * *',
        timezone: 'Europe/Berlin',
        keep: { daily: 7, within: '30d' },
        jitter: 30,
      },
    })
    expect(made).toMatchObject({
      status: 201,
      body: {
        source: 'shop',
        project_id: 'shop',
        type: 'database',
        keep: { daily: 7, within: '30d' },
        jitter: 30,
        last_job: null,
      },
    })
    scheduleId = String(made.body['id'])
    // No address that only PATCH and DELETE answer.
    expect(made.headers.get('location')).toBeNull()
    const changed = await asked('PATCH', '/schedules/{id}', {
      id: scheduleId,
      json: { enabled: false, keep: null },
    })
    expect(changed).toMatchObject({ status: 200, body: { enabled: false, keep: null, next_run_at: null } })
    expect((await asked('GET', '/schedules')).body['items']).toHaveLength(1)
    expect((await asked('DELETE', '/schedules/{id}', { id: scheduleId })).status).toBe(204)
    expect((await asked('DELETE', '/schedules/{id}', { id: scheduleId })).status).toBe(404)
    for (const json of [
      { source: 'shop', cron: '61 * * * *' },
      { source: 'shop', cron: '0 0 31 2 *' },
      { source: 'shop', cron: '* * * * *', timezone: 'Mars/Olympus' },
      { source: 'shop', cron: '* * * * *', keep: { daily: -1 } },
      { source: 'shop', cron: '* * * * *', keep: { dayly: 7 } },
      { source: 'shop', cron: '* * * * *', keep: { within: '1 fortnight' } },
    ]) {
      expect((await asked('POST', '/schedules', { json })).status, JSON.stringify(json)).toBe(400)
    }
  })

  it('bad requests, each with its problem', async () => {
    const bad: [string, string, number, (AskOptions & { id?: string; query?: string })?][] = [
      ['GET', '/backups', 400, { query: '?limit=0' }],
      ['GET', '/backups', 400, { query: '?limit=1&limit=2' }],
      ['GET', '/backups', 400, { query: '?limit=1e1' }],
      ['GET', '/backups', 400, { query: '?type=photos' }],
      ['GET', '/backups', 400, { query: '?from=yesterday' }],
      ['GET', '/backups', 400, { query: '?cursor=nonsense' }],
      ['GET', '/backups', 400, { query: '?sort=size' }],
      ['GET', '/backups', 400, { query: '?project_id=..%2F..' }],
      ['GET', '/backups/{id}', 404, { id: UNKNOWN_ID }],
      ['GET', '/backups/{id}', 404, { id: 'nonsense' }],
      ['GET', '/backups/{id}', 400, { id: UNKNOWN_ID, query: '?x=1' }],
      ['GET', '/backups/{id}/content', 404, { id: UNKNOWN_ID }],
      ['POST', '/backups', 404, { json: { source: 'nobody' } }],
      ['POST', '/backups', 503, { json: { source: 'unset' } }],
      ['POST', '/backups', 400, { json: { source: 'shop', postgres: 'postgresql://x' } }],
      ['POST', '/backups', 400, { json: {} }],
      ['POST', '/backups', 400, { body: '{"source":', headers: { 'Content-Type': 'application/json' } }],
      ['POST', '/backups', 400, { json: null }],
      ['POST', '/backups', 415, { body: 'source=shop', headers: { 'Content-Type': 'text/plain' } }],
      ['POST', '/backups', 413, { json: { source: 'x'.repeat(70_000) } }],
      ['POST', '/backups', 409, { json: { source: 'other' }, headers: { 'Idempotency-Key': 'a' } }],
      ['POST', '/backups', 400, { json: { source: 'shop' }, headers: { 'Idempotency-Key': 'a b' } }],
      ['POST', '/backups/upload', 400, { query: '?project_id=shop&type=logs', body: '' }],
      ['POST', '/backups/upload', 400, { query: '?type=logs', body: 'x' }],
      ['DELETE', '/backups/{id}', 404, { id: UNKNOWN_ID }],
      ['POST', '/backups/{id}/restore', 404, { id: UNKNOWN_ID, json: { target: 'staging' } }],
      ['POST', '/backups/{id}/restore', 404, { id: backupId, json: { target: 'nowhere' } }],
      ['POST', '/backups/{id}/restore', 400, { id: backupId, json: { target: 'staging', overwrite: 'yes' } }],
      ['POST', '/backups/{id}/verify', 404, { id: UNKNOWN_ID }],
      ['POST', '/backups/{id}/verify', 400, { id: backupId, json: { on: 'staging' } }],
      ['GET', '/stats', 400, { query: '?project_id=' }],
      ['GET', '/jobs', 400, { query: '?state=lost' }],
      ['GET', '/jobs/{id}', 404, { id: UNKNOWN_ID }],
      ['DELETE', '/jobs/{id}', 404, { id: UNKNOWN_ID }],
      ['DELETE', '/jobs/{id}', 409, { id: jobId }],
      ['GET', '/jobs/{id}/events', 404, { id: UNKNOWN_ID }],
      ['POST', '/schedules', 404, { json: { source: 'nobody', cron: '* * * * *' } }],
      ['PATCH', '/schedules/{id}', 404, { id: UNKNOWN_ID, json: { enabled: true } }],
      ['DELETE', '/schedules/{id}', 404, { id: UNKNOWN_ID }],
    ]
    for (const [method, path, status, options] of bad) {
      const { status: got, body } = await asked(method, path, options)
      expect(got, `${method} ${path} ${JSON.stringify(options)}: ${JSON.stringify(body)}`).toBe(status)
      expect(body).toMatchObject({ status, code: expect.stringMatching(/^[A-Z_]+$/) })
    }
  })

  it('without a key 401, without the scope 403, before anything else is looked at', async () => {
    const none = await service.key(['read'])
    const reader = await service.key(['backup'])
    for (const { method, path } of api.operations.filter(needsCaller)) {
      const relative = path.replace('/api/v1', '')
      const bare = await asked(method, relative, { id: 'nonsense', key: undefined })
      expect(bare.status, `${method} ${path}`).toBe(401)
      expect(bare.headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect(bare.body['hint']).toContain('telegram-backup apikey create')
      expect(bare.body['hint']).not.toContain('[hidden]')
      // Every key may ask whose it is.
      if (path.endsWith('/whoami')) continue
      const isRead = (method === 'GET' && !path.endsWith('/content')) || path.endsWith('/preview')
      const scoped = await asked(method, relative, {
        id: 'nonsense',
        key: isRead ? reader : none,
        query: '?bogus=1',
      })
      expect(scoped.status, `${method} ${path}`).toBe(403)
      expect(scoped.body).toMatchObject({ code: 'FORBIDDEN' })
    }
  })

  it('another method 405 with Allow, another path 404', async () => {
    for (const path of new Set(api.operations.map(one => one.path))) {
      const answer = await service.ask(`/${filled(path, backupId)}`.replace('//api/v1', ''), {
        key: admin,
        method: path.endsWith('/pin') ? 'PATCH' : 'PUT',
      })
      expect(answer.status, path).toBe(405)
      expect(answer.headers.get('allow')).toMatch(/[A-Z]/)
      expect(await answer.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED', status: 405 })
    }
    expect((await service.ask('/nothing', { key: admin })).status).toBe(404)
    expect((await service.ask('//nothing')).status).toBe(404)
    expect((await service.ask('/nothing')).status).toBe(401)
    expect((await service.ask(`/backups/${backupId}`, { key: admin, method: 'HEAD' })).status).toBe(200)
    expect((await service.ask(`/backups/${backupId}/content`, { key: admin, method: 'HEAD' })).status).toBe(
      200,
    )
    expect((await service.ask(`/jobs/${jobId}/events`, { key: admin, method: 'HEAD' })).status).toBe(405)
  })

  it('an answer that is not as the document says would be seen', async () => {
    const described = operation('GET', '/api/v1/jobs/{id}')
    const answer = await service.ask(`/jobs/${jobId}`, { key: admin })
    const job = (await answer.json()) as Record<string, unknown>
    const wrong = [
      { ...job, state: 'lost' },
      { ...job, extra: 1 },
      { ...job, created_at: 'yesterday' },
    ]
    for (const body of wrong) await expect(api.check(described, Response.json(body))).rejects.toThrow(/must/)
    await expect(api.check(described, Response.json(job, { status: 201 }))).rejects.toThrow(
      /not in the document/,
    )
    await expect(api.check(described, Response.json(job))).resolves.toEqual(job)
  })

  it('lists go on where the page before ended, and end', async () => {
    const all = (await (await service.ask('/backups', { key: admin })).json()) as { items: { id: string }[] }
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '?limit=2' : `?limit=2&cursor=${cursor}`
      const { body } = await asked('GET', '/backups', { query })
      ids.push(...(body['items'] as { id: string }[]).map(({ id }) => id))
      cursor = body['next_cursor'] as string | null
    } while (cursor !== null)
    expect(ids).toEqual(all.items.map(({ id }) => id))
  })

  it('a key that was seen before gives the same job, and makes no other', async () => {
    const ask = () =>
      asked('POST', '/backups', { json: { source: 'other' }, headers: { 'Idempotency-Key': 'once' } })
    const before = (await listJobs(service.database, { limit: 100 })).length
    const answers = await Promise.all([ask(), ask(), ask(), ask()])
    expect(new Set(answers.map(({ body }) => body['job_id'])).size).toBe(1)
    expect((await listJobs(service.database, { limit: 100 })).length).toBe(before + 1)
  })

  it('the last good backup of a project and type stays, unless that is said', async () => {
    const only = await upload(service, { key: admin, bytes: Buffer.from('x'), project: 'lonely' })
    const answer = await asked('DELETE', '/backups/{id}', { id: only })
    expect(answer).toMatchObject({ status: 409, body: { code: 'LAST_BACKUP' } })
    const { parameters = [] } = operation('DELETE', '/api/v1/backups/{id}').operation
    expect(parameters.find(({ name }) => name === 'even_the_last')).toMatchObject({
      in: 'query',
      schema: { type: 'string', enum: ['true', 'false'], default: 'false' },
    })
    const said = await asked('DELETE', '/backups/{id}', { id: only, query: '?even_the_last=true' })
    expect(said.status).toBe(202)
  })

  it('the page of the document loads nothing from anywhere', async () => {
    const answer = await service.ask('//docs')
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
    const html = await answer.text()
    expect(html).toContain('/api/v1/backups/{id}/content')
    expect(html).not.toMatch(/<script|<link|<img|src=|https?:\/\/(?!localhost)/)
  })
})
