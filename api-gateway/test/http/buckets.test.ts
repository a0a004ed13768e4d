import { createHash } from 'node:crypto'
import { findDoorKey, listAudit, putInCatalog } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
let admin: string
let bound: string
beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
  bound = await service.key(['admin'], { projectId: 'shop', expiresAt: new Date(Date.now() + 3_600_000) })
})
afterAll(() => service.close())

interface Answered {
  status: number
  body: Record<string, never>
}

async function ask(path: string, options: Parameters<TestService['ask']>[1] = {}): Promise<Answered> {
  const answer = await service.ask(path, { key: admin, ...options })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
}

it('a bucket is made with its terms, listed, and removed, in the name of who asked', async () => {
  const terms = { undelete_seconds: 3_600, replica: 'wait', max_bytes: 1_000, snapshot_limit_hours: 26 }
  const made = await ask('/buckets', { key: bound, json: { name: 'laptops', ...terms } })
  expect(made).toMatchObject({
    status: 201,
    body: { name: 'laptops', kind: 'restic', project_id: 'shop', ...terms, objects: 0, bytes: 0 },
  })
  const id = made.body['id'] ?? ''
  expect((await ask('/buckets', { json: { name: 'laptops' } })).status).toBe(409)
  expect((await ask('/buckets', { json: { name: 'Laptops' } })).status).toBe(400)
  expect((await ask('/buckets', { json: { name: 'other', kind: 's3' } })).status).toBe(400)
  expect((await ask('/buckets?project_id=shop')).body).toMatchObject({ items: [{ id }] })
  expect((await ask('/buckets?project_id=none')).body).toMatchObject({ items: [] })
  expect((await ask(`/buckets/${id}/undelete`, { json: { at: '2026-11-25' } })).status).toBe(503)
  const content = Buffer.from('x')
  const sha256 = createHash('sha256').update(content).digest('hex')
  await putInCatalog(service.database, { bucketId: id, key: 'locks/x', content, sha256 })
  expect(await ask(`/buckets/${id}`, { method: 'DELETE' })).toMatchObject({
    status: 409,
    body: { hint: expect.stringContaining('with_objects=true') },
  })
  expect((await ask(`/buckets/${id}?with_objects=true`, { method: 'DELETE' })).status).toBe(204)
  expect((await ask(`/buckets/${id}`)).status).toBe(404)
  const acts = await listAudit(service.database, { object: id, limit: 9 })
  expect(acts.map(({ act }) => act)).toEqual(['bucket.remove', 'bucket.create'])
  expect(acts.every(({ actor }) => actor.startsWith('key test ('))).toBe(true)
})

it('a key of a door is shown once, listed without its secret, and revoked; none outlives who asked', async () => {
  const { body: bucket } = await ask('/buckets', { key: bound, json: { name: 'servers' } })
  const json = { bucket_id: bucket['id'], scope: 'append' }
  expect((await ask('/door-keys', { key: bound, json: { ...json, expires: '9d' } })).status).toBe(403)
  const { status, body: made } = await ask('/door-keys', { json: { ...json, name: 'web1', expires: '9d' } })
  expect(status).toBe(201)
  const { id = '', user = '', key = '' } = made
  expect(await findDoorKey(service.database, { user, key })).toMatchObject({
    id,
    scope: 'append',
    name: 'web1',
  })
  const list = await ask(`/door-keys?bucket_id=${bucket['id']}`, { key: bound })
  expect(list.body).toMatchObject({ items: [{ id, user, scope: 'append', revoked_at: null }] })
  expect(JSON.stringify(list.body)).not.toContain(key)
  expect(JSON.stringify(list.body)).not.toContain('hash')
  expect((await ask(`/door-keys/${id}`, { method: 'DELETE', key: bound })).status).toBe(204)
  expect(await findDoorKey(service.database, { user, key })).toBeNull()
  expect((await ask('/door-keys', { json: { ...json, scope: 'write' } })).status).toBe(400)
})
