import { randomBytes } from 'node:crypto'
import { listHistory, sqlRunner } from '@telegram-backup/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRange } from '#http/byte-range.ts'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

const BYTES = randomBytes(300_000)

let service: TestService
let key: string
let id: string
beforeAll(async () => {
  service = await openTestService()
  key = await service.key(['admin'])
  id = await upload(service, { key, bytes: BYTES })
})
afterAll(() => service.close())

/** The answer, and how many files it took out of the chat. */
async function ask(headers: Record<string, string>, method = 'GET') {
  const files = (): number => service.vault.emulator.inspect.calls('getFile')
  const before = files()
  const answer = await service.ask(`/backups/${id}/content`, { key, method, headers })
  const body = Buffer.from(await answer.arrayBuffer())
  const fetched = files() - before
  return { answer, body, fetched }
}

it('HEAD tells length and tag of the bytes, and fetches nothing', async () => {
  const { answer, body, fetched } = await ask({}, 'HEAD')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-length')).toBe('300000')
  expect(answer.headers.get('accept-ranges')).toBe('bytes')
  expect(answer.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/)
  expect(answer.headers.get('content-disposition')).toContain('shop.sql')
  expect({ length: body.length, fetched }).toEqual({ length: 0, fetched: 0 })
})

it.each([
  ['bytes=0-0', 0, 1],
  ['bytes=100-199', 100, 200],
  ['bytes=299999-', 299_999, 300_000],
  ['bytes=-5', 299_995, 300_000],
  ['bytes=10-999999', 10, 300_000],
  [`bytes=10-${'9'.repeat(30)}`, 10, 300_000],
  [`bytes=-${'9'.repeat(30)}`, 0, 300_000],
  ['bytes=60000-240000', 60_000, 240_001],
])('%s gives these bytes and no others', async (range, start, end) => {
  const { answer, body } = await ask({ Range: range })
  expect(answer.status).toBe(206)
  expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/300000`)
  expect(answer.headers.get('content-length')).toBe(String(end - start))
  expect(body.equals(BYTES.subarray(start, end))).toBe(true)
})

it('of a range only the parts that hold it are fetched', async () => {
  const whole = await ask({})
  expect(whole.body.equals(BYTES)).toBe(true)
  expect(whole.fetched).toBeGreaterThan(2)
  expect((await ask({ Range: 'bytes=-1' })).fetched).toBe(1)
})

it.each([
  'bytes=300000-',
  'bytes=-0',
  'bytes=999999-1000000',
  'bytes=99999999999999999999-',
  `bytes=${'9'.repeat(30)}-`,
])('%s is nothing, and says how much there is', async range => {
  const { answer } = await ask({ Range: range })
  expect(answer.status).toBe(416)
  expect(answer.headers.get('content-range')).toBe('bytes */300000')
})

it.each(['bytes=0-1,5-6', 'lines=1-2', 'bytes=9-3', 'bytes=-', 'bytes=a-b'])(
  '%s asks for nothing that there is: all of it comes',
  async range => {
    const { answer, body } = await ask({ Range: range })
    expect({ status: answer.status, length: body.length }).toEqual({ status: 200, length: 300_000 })
  },
)

it('If-Range gives the range of the same bytes alone', async () => {
  const tag = (await ask({}, 'HEAD')).answer.headers.get('etag') ?? ''
  expect((await ask({ Range: 'bytes=0-9', 'If-Range': tag })).answer.status).toBe(206)
  expect((await ask({ Range: 'bytes=0-9', 'If-Range': '"other"' })).answer.status).toBe(200)
})

it('where the catalog does not know how the bytes lie in the parts, the range is right all the same', async () => {
  const { executeSql } = sqlRunner(service.database)
  const own = await upload(service, { key, bytes: BYTES })
  await executeSql('update control_plane.backup_parts set plain_offset = null where backup_id = $1', [own])
  const answer = await service.ask(`/backups/${own}/content`, {
    key,
    headers: { Range: 'bytes=150000-150009' },
  })
  expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES.subarray(150_000, 150_010))).toBe(true)
})

it('a part that is not what was sent breaks the answer off, and others are given', async () => {
  const { executeSql } = sqlRunner(service.database)
  const own = await upload(service, { key, bytes: BYTES })
  await executeSql(
    `update control_plane.backup_parts set sha256 = repeat('0', 64) where backup_id = $1 and part_no = 1 and kind = 'part'`,
    [own],
  )
  const path = `/backups/${own}/content`
  const broken = service.ask(path, { key, headers: { Range: 'bytes=0-9' } }).then(one => one.arrayBuffer())
  await expect(broken).rejects.toThrow()
  const sound = await service.ask(path, { key, headers: { Range: 'bytes=-10' } })
  expect(Buffer.from(await sound.arrayBuffer()).equals(BYTES.subarray(-10))).toBe(true)
  // What was read of it says nothing of the rest.
  expect((await listHistory(service.database, own)).map(({ event }) => event)).not.toContain('sound')
})

describe('a range of an empty backup', () => {
  it('is none', () => {
    expect(() => readRange('bytes=0-', 0)).toThrow()
    expect(readRange(undefined, 0)).toBeUndefined()
  })
})
