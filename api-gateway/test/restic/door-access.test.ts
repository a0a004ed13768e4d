import { randomBytes } from 'node:crypto'
import { createBucket, createDoorKey, revokeDoorKey } from '@telegram-backup/database'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rawExchange } from '#test/http/raw-exchange.ts'
import { basic, headOf, nameOf, openResticBench, type ResticBench } from '#test/restic/restic-bench.ts'

let bench: ResticBench
beforeAll(async () => {
  bench = await openResticBench()
})
afterAll(() => bench.close())
beforeEach(() => bench.store.objects.clear())

const bytesOf = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(size))
const post = (path: string, body: Uint8Array<ArrayBuffer>, headers?: Record<string, string>) =>
  bench.ask(path, { method: 'POST', body, ...(headers && { headers }) })

describe('scopes', () => {
  it('read: nothing is written or deleted, locks included', async () => {
    const headers = await bench.headersFor('read')
    const bytes = bytesOf(10)
    await post(nameOf(bytes, 'keys'), bytes)
    expect((await bench.ask(nameOf(bytes, 'keys'), { headers })).status).toBe(200)
    expect((await bench.ask('keys/', { headers })).status).toBe(200)
    for (const path of ['config', nameOf(bytes, 'locks'), nameOf(bytes, 'keys')]) {
      const answer = await post(path, bytes, headers)
      expect([answer.status, answer.statusText]).toEqual([
        403,
        'This key may only read. Call restic with --no-lock, or use a key with the scope append or full.',
      ])
      expect((await bench.ask(path, { method: 'DELETE', headers })).status).toBe(403)
    }
    expect((await bench.ask('?create=true', { method: 'POST', headers })).status).toBe(403)
    expect([...bench.store.objects.keys()]).toEqual([nameOf(bytes, 'keys')])
  })

  it('append: files are added, and only locks are deleted', async () => {
    const headers = await bench.headersFor('append')
    const bytes = bytesOf(10)
    for (const type of ['data', 'keys', 'locks', 'snapshots', 'index']) {
      expect((await post(nameOf(bytes, type), bytes, headers)).status).toBe(200)
      const { status } = await bench.ask(nameOf(bytes, type), { method: 'DELETE', headers })
      expect([type, status]).toEqual([type, type === 'locks' ? 200 : 403])
    }
    expect((await bench.ask('config', { method: 'DELETE', headers })).status).toBe(403)
    expect(bench.store.objects.size).toBe(4)
  })
})

describe('keys', () => {
  it('open their own bucket alone, and tell nothing of others', async () => {
    const { database } = bench.service
    const other = await createBucket(database, { name: 'server', kind: 'restic', projectId: 'other' })
    const headers = await bench.headersFor('full', other)
    const ask = (path: string) => bench.service.ask(`//restic/${path}`, { headers })
    expect((await ask('server/data/')).status).toBe(200)
    const [foreign, none] = [await ask('laptop/data/'), await ask('nothing-here/data/')]
    expect([foreign.status, none.status]).toEqual([403, 403])
    const { instance: _, ...problem } = (await foreign.json()) as { instance: string }
    expect(await none.json()).toMatchObject(problem)
  })

  it('are asked for, and wrong ones are refused: no problem and no line of the log repeats them', async () => {
    const key = `tbd_${randomBytes(32).toString('base64url')}`
    const refused = [
      basic('laptop', key),
      basic('', key),
      { Authorization: 'Basic %%%' },
      { Authorization: `Bearer ${key}` },
      { Authorization: '' },
    ]
    for (const headers of refused) {
      const answer = await bench.ask('config', { headers })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="restic"/)
      expect(answer.statusText).toContain('RESTIC_REST_PASSWORD')
      expect(answer.statusText + (await answer.text())).not.toContain(key)
    }
    const apiKey = await bench.service.key(['admin'])
    expect((await bench.ask('config', { headers: basic('laptop', apiKey) })).status).toBe(401)
    expect(bench.service.log.join('')).not.toMatch(/tbd_[\w-]{20}|Basic /)
  })

  it('that are revoked stop working at once', async () => {
    const { database } = bench.service
    const of = { bucketId: bench.bucket.id, scope: 'full', name: 'lost' } as const
    const { doorKey, key } = await createDoorKey(database, of)
    const headers = basic(doorKey.user_name, key)
    expect((await bench.ask('data/', { headers })).status).toBe(200)
    await revokeDoorKey(database, doorKey.id)
    expect((await bench.ask('data/', { headers })).status).toBe(401)
  })

  it('do nothing for a browser, which would send them for any page', async () => {
    const headers = await bench.headersFor('full')
    const bytes = bytesOf(10)
    for (const seen of [{ Origin: 'https://page.example' }, { 'Sec-Fetch-Site': 'cross-site' }] as Record<
      string,
      string
    >[]) {
      const answer = await rawExchange(
        bench.service.server.port,
        headOf('POST /restic/laptop/?create=true', { ...headers, ...seen }),
      )
      expect(answer).toMatch(/^HTTP\/1\.1 403 Buckets are for restic/)
      expect(answer).not.toMatch(/www-authenticate/i)
    }
    expect((await post(nameOf(bytes, 'keys'), bytes, headers)).status).toBe(200)
  })

  it('never cross a network in clear text', async () => {
    const headers = await bench.headersFor('full')
    for (const seen of [
      { Host: 'backup.example' },
      { 'X-Forwarded-For': '192.0.2.7' },
      { Forwarded: 'for=192.0.2.7' },
    ] as Record<string, string>[]) {
      const answer = await rawExchange(
        bench.service.server.port,
        headOf('GET /restic/laptop/config', { ...headers, ...seen }),
      )
      expect(answer).toMatch(/^HTTP\/1\.1 403 The key of a bucket must not cross a network in clear text/)
    }
  })
})
