import { listJobs, sqlRunner } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AskOptions, openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let key: string

beforeAll(async () => {
  service = await openTestService()
  key = await service.key(['admin'])
})

afterAll(async () => {
  await service.close()
})

async function asked(
  path: string,
  options: AskOptions = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await service.ask(path, { key, ...options })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

it('of a backup that is not whole, what its job could only fail over is refused at once', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('x') })
  for (const state of ['failed', 'erasing', 'erased']) {
    await sqlRunner(service.database).executeSql(
      'update control_plane.backups set state = $1 where id = $2',
      [state, id],
    )
    const before = await listJobs(service.database, { limit: 100 })
    for (const [path, json] of [
      ['restore', { target: 'staging' }],
      ['verify', {}],
      ['verify', { drill: true }],
    ] as const) {
      const { status, body } = await asked(`/backups/${id}/${path}`, { json })
      expect(status, `${path} of ${state}`).toBe(404)
      expect(body).toMatchObject({ code: 'NOT_FOUND', detail: expect.stringContaining(state) })
    }
    expect(await listJobs(service.database, { limit: 100 })).toEqual(before)
  }
})

it('a directory is not taken for a database, and no job is made to find that out', async () => {
  const tar = await upload(service, { key, bytes: Buffer.from('x'), filename: 'uploads.tar' })
  const folder = await upload(service, { key, bytes: Buffer.from('x') })
  await sqlRunner(service.database).executeSql(
    `update control_plane.backups set source = '{"kind": "directory"}' where id = $1`,
    [folder],
  )
  for (const id of [tar, folder]) {
    const { status, body } = await asked(`/backups/${id}/restore`, { json: { target: 'staging' } })
    expect(status).toBe(400)
    expect(body).toMatchObject({
      code: 'USAGE',
      detail: 'The backup holds a directory, and the target is a database',
      hint: expect.stringContaining('/content'),
    })
    const jobs = await listJobs(service.database, { limit: 100 })
    expect(jobs.filter(job => job.kind === 'restore' && job.backup_id === id)).toEqual([])
  }
})

it('asked twice, a backup is erased by one job', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('x') })
  await upload(service, { key, bytes: Buffer.from('a spare one') })
  const once = await asked(`/backups/${id}`, { method: 'DELETE' })
  const again = await asked(`/backups/${id}`, { method: 'DELETE' })
  expect(once.status).toBe(202)
  expect(again).toEqual(once)
})

it('the last good one is erased when that is asked for in so many words, and in no others', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('x'), project: 'only' })
  const erase = (query: string) => asked(`/backups/${id}${query}`, { method: 'DELETE' })
  for (const query of ['?even_the_last=1', '?even_the_last=', '?even_the_last=true&even_the_last=true']) {
    expect(await erase(query), query).toMatchObject({
      status: 400,
      body: {
        detail: 'The query is refused: even_the_last: one of true, false',
        hint: expect.stringContaining('For example even_the_last=true'),
      },
    })
  }
  for (const query of ['', '?even_the_last=false']) {
    expect(await erase(query), query).toMatchObject({ status: 409, body: { code: 'LAST_BACKUP' } })
  }
  const { status, body } = await erase('?even_the_last=true')
  expect({ status, body }).toEqual({ status: 202, body: { job_id: expect.any(String) } })
  const jobs = await listJobs(service.database, { limit: 100, projectId: 'only' })
  expect(jobs.filter(({ kind }) => kind === 'erase')).toEqual([
    expect.objectContaining({ id: body['job_id'], backup_id: id, options: { even_the_last: true } }),
  ])
})

it('one that is erased may be erased once more, as on the command line', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('x'), project: 'once' })
  await sqlRunner(service.database).executeSql(
    `update control_plane.backups set state = 'erased' where id = $1`,
    [id],
  )
  const { status, body } = await asked(`/backups/${id}`, { method: 'DELETE' })
  expect({ status, body }).toEqual({ status: 202, body: { job_id: expect.any(String) } })
  const job = await asked(`/jobs/${body['job_id']}`)
  expect(job.body).toMatchObject({ kind: 'erase', backup_id: id })
})

it('a field or a parameter that is not there is named, with those that are', async () => {
  expect(await asked('/backups', { json: { source: 'shop', sourc: 's3cret' } })).toEqual({
    status: 400,
    body: expect.objectContaining({
      detail: 'The body is refused: unknown field "sourc"',
      hint: expect.stringContaining('The fields are source;'),
    }),
  })
  const id = await upload(service, { key, bytes: Buffer.from('x') })
  const restore = await asked(`/backups/${id}/restore`, { json: { target: 'staging', force: true } })
  expect(restore.body).toMatchObject({
    detail: expect.stringContaining('"force"'),
    hint: expect.stringContaining('target, overwrite'),
  })
  expect((await asked('/backups?sort=size')).body).toMatchObject({
    detail: 'The query is refused: unknown parameter "sort"',
    hint: expect.stringMatching(/The parameters are project_id, .*, limit, cursor;/),
  })
  expect((await asked(`/backups/${id}?x=1`)).body).toMatchObject({ hint: 'There are no parameters here.' })
  const long = await asked('/backups', { json: { source: 'shop', [`${'😀'.repeat(500)}`]: 1 } })
  expect(String(long.body['detail']).length).toBeLessThan(120)
})

it.each([
  ['/backups', {}, 'source: it is missing', '"source": "shop"'],
  ['/backups', { source: 5 }, 'source: text', '"source": "shop"'],
  ['/schedules', { source: 'shop' }, 'cron: it is missing', '"cron": "30 2 * * *"'],
  ['/schedules', { source: 'shop', cron: '' }, 'cron: at least 1 character', '30 2 * * *'],
  [
    '/schedules',
    { source: 'shop', cron: '0 3 * * *', jitter: 1.5 },
    'jitter: a whole number',
    '"jitter": 30',
  ],
  [
    '/schedules',
    { source: 'shop', cron: '0 3 * * *', jitter: -1 },
    'jitter: a number from 0',
    '"jitter": 30',
  ],
  ['/schedules', { source: 'shop', cron: '0 3 * * *', catch_up: 'no' }, 'one of once, skip', '"once"'],
  ['/schedules', { source: 'shop', cron: '0 3 * * *', enabled: 'yes' }, 'enabled: true or false', 'true'],
  [
    '/schedules',
    { source: 'shop', cron: '61 3 * * *' },
    'the minute is not understood; allowed are 0 to 59',
    '30 2',
  ],
  ['/schedules', { source: 'shop', cron: '0 3 * * *', keep: 5 }, 'keep: a JSON object', '"keep": {"daily":7'],
  [
    '/schedules',
    { source: 'shop', cron: '0 3 * * *', keep: { dayly: 7 } },
    'unknown field "keep.dayly"',
    'keep.daily, keep.weekly',
  ],
  [
    '/schedules',
    { source: 'shop', cron: '0 3 * * *', keep: { daily: 0 } },
    'keep.daily: a number from 1',
    '{"daily": 7}',
  ],
])('%s with %j is refused in plain words, with an example', async (path, json, words, example) => {
  const { status, body } = await asked(path, { json })
  expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'INVALID' })
  expect(body).toMatchObject({
    detail: expect.stringContaining(words),
    hint: expect.stringContaining(example),
  })
  expect(body['detail']).not.toMatch(/Invalid|expected|received|Constraint|Too (small|big)/)
})

it.each<[path: string, options: AskOptions, status: number, hint: string]>([
  ['/backups/3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11', {}, 404, 'GET /api/v1/backups lists'],
  ['/backups', { json: { source: 'nowhere' } }, 404, 'telegram-backup.yaml of the service names the sources'],
  ['/stats', { method: 'DELETE' }, 405, 'Use GET or HEAD'],
  ['/schedules', { body: '{', headers: { 'Content-Type': 'application/json' } }, 400, '{"source": "shop"}'],
  ['/backups', { json: { source: 'shop' }, headers: { 'Idempotency-Key': 'a b' } }, 400, 'Use a new UUID'],
])('%s with %j is refused with a hint', async (path, options, status, hint) => {
  const answer = await asked(path, options)
  expect(answer).toMatchObject({ status, body: { hint: expect.stringContaining(hint) } })
})

it('a parameter is refused in plain words, with an example', async () => {
  expect((await asked('/backups?type=photos')).body).toMatchObject({
    detail: 'The query is refused: type: one of database, storage, logs',
    hint: expect.stringContaining('For example type=database'),
  })
})

it('a rule that stands there under two names, and a field that hides from schemas, is refused by its name', async () => {
  for (const [keep, word] of [
    ['{"last":1,"keep_last":5}', 'keep_last'],
    ['{"keep-daily":1,"keep_daily":1}', 'keep_daily'],
    ['{"last":1,"__proto__":2}', '__proto__'],
    ['{"last":1,"__proto__":{"daily":3}}', '__proto__'],
    ['{"last":1,"constructor":2}', 'constructor'],
  ]) {
    const { status, body } = await asked('/schedules', {
      body: `{"source":"shop","cron":"0 3 * * *","keep":${keep}}`,
      headers: { 'Content-Type': 'application/json' },
    })
    expect(status, keep).toBe(400)
    expect(JSON.stringify(body)).toContain(word)
  }
  const { status } = await asked('/backups', {
    body: '{"source":"shop","__proto__":{"source":"other"}}',
    headers: { 'Content-Type': 'application/json' },
  })
  expect(status).toBe(400)
})

it('hints are words for HTTP, and not for the command line', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('x'), project: 'lonely' })
  const last = await asked(`/backups/${id}`, { method: 'DELETE' })
  const hint = 'Make another one first, or ask with even_the_last=true.'
  expect(last).toMatchObject({ status: 409, body: { code: 'LAST_BACKUP', hint } })
  await sqlRunner(service.database).executeSql(
    `update control_plane.backups set state = 'failed' where id = $1`,
    [id],
  )
  const content = await asked(`/backups/${id}/content`)
  expect(content).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  expect(content.body).not.toHaveProperty('hint')
})

const UPLOAD = '/backups/upload?project_id=shop&type=logs'

it('an upload is no form', async () => {
  const form = new FormData()
  form.set('file', new Blob(['bytes']), 'a.log')
  const { headers, body } = new Response(form)
  const { status, body: problem } = await asked(UPLOAD, {
    body: body as ReadableStream,
    headers: { 'Content-Type': headers.get('content-type') ?? '' },
  })
  expect(status).toBe(415)
  expect(problem).toMatchObject({ code: 'UNSUPPORTED', hint: expect.stringContaining('octet-stream') })
})

it('a file name turns no line round and ends none, neither going in nor coming out', async () => {
  for (const character of ['\u202e', '\u2066', '\u2028', '\u2029', '\u200f']) {
    const name = encodeURIComponent(`a${character}gpj.exe`)
    expect((await asked(`${UPLOAD}&filename=${name}`, { body: 'x' })).status).toBe(400)
  }
  const id = await upload(service, { key, bytes: Buffer.from('x'), filename: 'a.sql' })
  await sqlRunner(service.database).executeSql(
    `update control_plane.backups set source = '{"filename": "a\\u202egpj\\u2028.exe"}' where id = $1`,
    [id],
  )
  const answer = await service.ask(`/backups/${id}/content`, { key })
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename=a_gpj_.exe')
  await answer.arrayBuffer()
})

it.each([
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'X-Forwarded-Server',
  'X-Real-IP',
  'Forwarded',
  'Via',
  'CF-Connecting-IP',
  'True-Client-IP',
])('the metrics are not open to what came with %s', async header => {
  expect((await service.ask('//metrics', { headers: { Accept: 'text/plain' } })).status).toBe(200)
  expect((await service.ask('//metrics', { headers: { [header]: 'x' } })).status).toBe(401)
})
