import { listApiKeys, listAudit, muteAlert } from '@telegram-backup/database'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'
import { type Ask, conformingAsk, drilled, raise } from '#test/http/operator-bench.ts'

let service: TestService
let ask: Ask
let admin: string
let reader: string
/** An admin of project other alone. */
let stranger: string
let backupId: string

beforeAll(async () => {
  service = await openTestService()
  ask = await conformingAsk(service)
  admin = await service.key(['admin'])
  reader = await service.key(['read', 'backup', 'restore'])
  stranger = await service.key(['admin'], { projectId: 'other' })
  await upload(service, { key: admin, bytes: Buffer.from('an older one') })
  backupId = await upload(service, { key: admin, bytes: Buffer.from('the newest') })
})
afterAll(() => service.close())

const ids = (items: Record<string, unknown>[]): unknown[] => items.map(({ id }) => id)

describe('alerts', () => {
  test('are listed page by page; a key that is bound to a project sees those of its project alone', async () => {
    const raised = await raise(service, {
      a: { kind: 'backup_failed', project: 'shop', details: { message: 'no disk', code: 'SOURCE' } },
      b: { kind: 'chat_unreachable', project: null, details: { since: '2026', message: 'http://10.0.0.1' } },
      c: { kind: 'of a later version', project: 'shop' },
    })
    const first = await ask(reader, 'GET', '/alerts', { query: '?limit=2' })
    const next = await ask(reader, 'GET', '/alerts', { query: `?cursor=${first.body['next_cursor']}` })
    expect(next.body['next_cursor']).toBeNull()
    expect([...ids(first.items), ...ids(next.items)].sort()).toEqual(Object.values(raised).sort())
    expect((await ask(stranger, 'GET', '/alerts', { query: '?state=all' })).items).toEqual([])
    expect((await ask(stranger, 'GET', '/alerts', { query: '?project_id=shop' })).status).toBe(404)
    expect((await ask(reader, 'GET', '/alerts', { query: '?state=ended' })).items).toEqual([])
  })

  test('only admin keys see addresses and who muted one', async () => {
    const { b = '' } = await raise(service, {})
    await muteAlert({ ...service.database, actor: 'ann@desk' }, { id: b, minutes: 5 })
    const shown = async (key: string): Promise<string> =>
      JSON.stringify((await ask(key, 'GET', '/alerts')).items)
    for (const place of ['10.0.0.1', 'ann@desk']) {
      expect(await shown(admin)).toContain(place)
      expect(await shown(reader)).not.toContain(place)
    }
  })

  test('are muted for some minutes by keys that see them, and the audit names the key', async () => {
    const { a = '' } = await raise(service, {})
    const mute = (key: string, minutes: unknown, id = a) =>
      ask(key, 'POST', '/alerts/{id}/mute', { id, json: { minutes } })
    expect((await mute(stranger, 60)).status).toBe(404)
    for (const wrong of [-1, 1.5, '60', 1e9, null]) expect((await mute(reader, wrong)).status).toBe(400)
    for (const none of ['nonsense', backupId]) expect((await mute(reader, 60, none)).status).toBe(404)
    const { status, body } = await mute(reader, 60)
    expect(status).toBe(200)
    expect(Date.parse(String(body['muted_until'])) - Date.now()).toBeGreaterThan(59 * 60_000)
    expect((await mute(reader, 0)).body).toMatchObject({ muted_until: null })
    expect(await listAudit(service.database, { object: a, limit: 9 })).toMatchObject([
      { act: 'alert.unmute', project_id: 'shop', actor: expect.stringMatching(/^key test \(/) },
      { act: 'alert.mute', project_id: 'shop', details: { minutes: 60 } },
    ])
  })
})

test('verifications and drills are listed by project, backup, kind and state; one drill is shown', async () => {
  const drill = await drilled(service, backupId)
  const of = `?project_id=shop&backup_id=${backupId}`
  for (const [path, query, found] of [
    ['/verifications', '', [drill]],
    ['/verifications', `${of}&kind=drill&state=failed`, [drill]],
    ['/verifications', '?kind=data', []],
    ['/verifications', '?state=sound', []],
    ['/drills', of, [drill]],
    ['/drills', '?state=running', []],
    ['/drills', '?source=another', []],
  ] as const) {
    expect(ids((await ask(reader, 'GET', path, { query })).items), path + query).toEqual(found)
    expect(ids((await ask(stranger, 'GET', path)).items)).toEqual([])
  }
  const shown = await ask(admin, 'GET', '/drills/{id}', { id: drill })
  expect(shown.body).toMatchObject({
    ...{ actor: 'ann@desk', error: expect.stringContaining('db.internal'), project_id: 'shop' },
    report: { where: 'db.internal', differences: [{ object: 'public.t' }] },
  })
  const hidden = await ask(reader, 'GET', '/drills/{id}', { id: drill })
  expect(hidden.body).toMatchObject({ report: { differences: [{ object: 'public.t' }] } })
  const listed = await ask(reader, 'GET', '/drills')
  for (const body of [hidden.body, listed.body]) {
    expect(JSON.stringify(body)).not.toMatch(/db\.internal|ann@desk/)
  }
  for (const none of [backupId, 'nonsense']) {
    expect((await ask(admin, 'GET', '/drills/{id}', { id: none })).status).toBe(404)
  }
  expect((await ask(stranger, 'GET', '/drills/{id}', { id: drill })).status).toBe(404)
})

test('a backup is pinned and unpinned, as often as one likes, in the name of the key', async () => {
  const pin = (key: string, method: string, id = backupId) => ask(key, method, '/backups/{id}/pin', { id })
  expect((await pin(stranger, 'PUT')).status).toBe(404)
  expect((await pin(reader, 'PUT', 'nonsense')).status).toBe(404)
  const pinned = await pin(reader, 'PUT')
  expect(pinned).toMatchObject({ status: 200, body: { id: backupId, pinned_at: expect.any(String) } })
  expect((await pin(reader, 'PUT')).body['pinned_at']).toBe(pinned.body['pinned_at'])
  const erase = await ask(admin, 'DELETE', '/backups/{id}', { id: backupId })
  expect(erase).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
  expect((await pin(reader, 'DELETE')).body).toMatchObject({ pinned_at: null })
  const acts = await listAudit(service.database, { object: backupId, limit: 9 })
  expect(acts.map(({ act }) => act)).toEqual(
    expect.arrayContaining(['backup.unpin', 'backup.pin', 'backup.pin']),
  )
})

test('whoever gets the bytes of a backup is in the audit, also for a range; who asks for their size is not', async () => {
  const fetch = (key: string, init: { method?: string; headers?: Record<string, string> }) =>
    service.ask(`/backups/${backupId}/content`, { key, ...init })
  expect((await fetch(admin, { method: 'HEAD' })).status).toBe(200)
  expect((await fetch(stranger, {})).status).toBe(404)
  expect(await (await fetch(reader, {})).text()).toBe('the newest')
  expect(await (await fetch(reader, { headers: { Range: 'bytes=0-2' } })).text()).toBe('the')
  const acts = await listAudit(service.database, { object: backupId, act: 'backup.fetch', limit: 9 })
  expect(acts).toMatchObject([
    { actor: expect.stringMatching(/^key /), details: { range: { start: 0, end: 3 } } },
    { actor: expect.stringMatching(/^key /), project_id: 'shop', details: { range: null } },
  ])
})

describe('keys', () => {
  const create = (key: string, json: object) => ask(key, 'POST', '/keys', { json })

  test('a key is shown once, works, and is revoked', async () => {
    const made = await create(admin, { name: 'ci', scopes: ['read'], project_id: 'shop', expires: '90d' })
    expect(made).toMatchObject({ status: 201, body: { name: 'ci', scopes: ['read'], project_id: 'shop' } })
    const { id, key } = made.body as { id: string; key: string }
    expect((await ask(key, 'GET', '/backups')).status).toBe(200)
    const listed = await ask(admin, 'GET', '/keys')
    expect(ids(listed.items)).toContain(id)
    expect(JSON.stringify(listed.body)).not.toContain(key)
    expect((await ask(stranger, 'DELETE', '/keys/{id}', { id })).status).toBe(404)
    expect((await ask(admin, 'DELETE', '/keys/{id}', { id })).status).toBe(204)
    expect((await service.ask('/backups', { key })).status).toBe(401)
    expect((await ask(admin, 'DELETE', '/keys/{id}', { id: 'nonsense' })).status).toBe(404)
    expect(JSON.stringify(await listAudit(service.database, { limit: 99 }))).not.toContain(key.slice(4))
  })

  test('a key makes none that may do more, sees more, or lives longer than itself', async () => {
    expect((await create(stranger, { name: 'x', scopes: ['read'], project_id: 'shop' })).status).toBe(404)
    const own = await create(stranger, { name: 'x', scopes: ['admin'] })
    expect(own.body).toMatchObject({ project_id: 'other' })
    expect(ids((await ask(stranger, 'GET', '/keys')).items)).toContain(own.body['id'])
    const all = await listApiKeys(service.database)
    expect((await ask(stranger, 'GET', '/keys')).items.length).toBeLessThan(all.length)

    const brief = await service.key(['admin'], { expiresAt: new Date(Date.now() + 3_600_000) })
    const longer = await create(brief, { name: 'x', scopes: ['read'], expires: '2h' })
    expect(longer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    const { body } = await create(brief, { name: 'x', scopes: ['read'] })
    expect(Date.parse(String(body['expires_at'])) - Date.now()).toBeLessThan(3_600_001)
  })

  test.each([
    [{ name: '', scopes: ['read'] }],
    [{ name: 'a\u001b[31mb', scopes: ['read'] }],
    [{ name: 'a\u202eb', scopes: ['read'] }],
    [{ name: 'x'.repeat(101), scopes: ['read'] }],
    [{ name: 'x', scopes: [] }],
    [{ name: 'x', scopes: ['root'] }],
    [{ name: 'x', scopes: ['read'], expires: 'yesterday' }],
    [{ name: 'x', scopes: ['read'], expires: '2020-01-01' }],
    [{ name: 'x', scopes: ['read'], project_id: '../..' }],
    [{ name: 'x', scopes: ['read'], key_hash: 'x' }],
  ])('%j is refused, and no key is made', async json => {
    const before = (await listApiKeys(service.database)).length
    expect((await create(admin, json)).status).toBe(400)
    expect(await listApiKeys(service.database)).toHaveLength(before)
  })
})

test('the audit is read by admins, page by page; a bound one reads that of its project', async () => {
  await ask(admin, 'PUT', '/backups/{id}/pin', { id: backupId })
  const whole = await ask(admin, 'GET', '/audit', { query: '?limit=500' })
  const seen: unknown[] = []
  let query = '?limit=3'
  for (;;) {
    const { items, body } = await ask(admin, 'GET', '/audit', { query })
    seen.push(...ids(items))
    if (body['next_cursor'] === null) break
    query = `?limit=3&cursor=${body['next_cursor']}`
  }
  expect(seen).toEqual(ids(whole.items))
  const pins = await ask(admin, 'GET', '/audit', {
    query: `?act=backup.pin&object=${backupId}&from=2020-01-01&to=2099-01-01&project_id=shop`,
  })
  expect(pins.items[0]).toMatchObject({ act: 'backup.pin', object: backupId, project_id: 'shop' })
  const { items } = await ask(stranger, 'GET', '/audit')
  expect(new Set(items.map(({ project_id }) => project_id))).toEqual(new Set(['other']))
  expect((await ask(stranger, 'GET', '/audit', { query: '?project_id=shop' })).status).toBe(404)
  for (const wrong of ['?act=backup.%27', '?cursor=x', '?limit=0', '?from=soon']) {
    expect((await ask(admin, 'GET', '/audit', { query: wrong })).status, wrong).toBe(400)
  }
})
