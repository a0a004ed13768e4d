import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listAudit } from '@telegram-backup/database'
import { planSource } from '@telegram-backup/engine/backup/send-plan.ts'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { backup } from '@telegram-backup/engine/operations/backup.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'
import { type Ask, conformingAsk } from '#test/http/operator-bench.ts'

const NOT_UTF8 = Buffer.from([0x6f, 0x6c, 0x64, 0xe9, 0x2e, 0x74, 0x78, 0x74])
const CAT = randomBytes(200_000)

let service: TestService
let ask: Ask
let admin: string
let restorer: string
let id: string

beforeAll(async () => {
  service = await openTestService()
  ask = await conformingAsk(service)
  admin = await service.key(['admin'])
  restorer = await service.key(['restore'], { projectId: 'shop' })
  id = await sendDirectory()
})
afterAll(() => service.close())

/** A directory with hostile names, as a backup with a list of its files. */
async function sendDirectory(): Promise<string> {
  const { vault, database } = service
  const folder = join(vault.folder, 'uploads')
  await mkdir(join(folder, 'photos', 'summer'), { recursive: true })
  await writeFile(join(folder, 'photos', 'cat.jpg'), CAT)
  await writeFile(join(folder, 'photos', 'empty'), '')
  for (const name of ['one', 'two', 'three']) await writeFile(join(folder, 'photos', 'summer', name), name)
  await writeFile(join(folder, '<b>кот\n\u202e.html'), 'a page')
  await writeFile(Buffer.concat([Buffer.from(`${folder}/`), NOT_UTF8]), 'old')
  const config = readConfig(await cliEnvironment(vault))
  const { client, service: chat } = vault
  const sent = await backup(
    { config, database, client, service: chat },
    planSource({ project: 'shop', type: 'storage', directory: folder }),
    {
      ...{ signal: new AbortController().signal, note: () => {}, origin: {}, waits: false },
      ...{ onProgress: () => {}, onHookLine: () => {} },
    },
  )
  if (sent.databaseRecord === undefined) throw new Error(sent.error)
  return sent.databaseRecord.id
}

const members = async (query = '', key = restorer) => {
  const { status, items, body } = await ask(key, 'GET', '/backups/{id}/members', { id, query })
  return { status, names: items.map(({ path, kind }) => [path, kind]), items, body }
}

const content = (path: string, { key = restorer, method = 'GET' } = {}) =>
  service.ask(`/backups/${id}/content?path=${encodeURIComponent(path)}`, { key, method })

it('a folder is listed at a time, in pages, and the list is fetched from the chat once', async () => {
  const files = () => service.vault.emulator.inspect.calls('getFile')
  const before = files()
  const top = await members()
  expect(top.names).toEqual([
    ['<b>кот\n\u202e.html', 'file'],
    ['old\\351.txt', 'file'],
    ['photos', 'directory'],
  ])
  expect(top.items[1]).toMatchObject({ path_base64: NOT_UTF8.toString('base64'), size: 3 })
  expect(files() - before).toBe(1)
  expect((await members('?path=photos')).items).toMatchObject([
    { path: 'photos/cat.jpg', size: CAT.length, mode: expect.stringMatching(/^0\d{3}$/) },
    { path: 'photos/empty', size: 0 },
    { path: 'photos/summer', kind: 'directory' },
  ])
  const first = await members('?path=photos/summer/&limit=2')
  expect(first.names).toEqual([
    ['photos/summer/one', 'file'],
    ['photos/summer/three', 'file'],
  ])
  const next = await members(`?path=photos/summer/&limit=2&cursor=${first.body['next_cursor']}`)
  expect(next.names).toEqual([['photos/summer/two', 'file']])
  expect(next.body['next_cursor']).toBeNull()
  expect((await members('?search=T')).names.map(([path]) => path)).toEqual([
    '<b>кот\n\u202e.html',
    'old\\351.txt',
    'photos',
    'photos/cat.jpg',
    'photos/empty',
    'photos/summer/three',
    'photos/summer/two',
  ])
  expect((await members('?search=ТT')).names).toEqual([])
  expect(files() - before).toBe(1)
})

it('names are shown to those alone who may read the bytes, and only of a directory', async () => {
  const reader = await service.key(['read', 'backup'])
  const stranger = await service.key(['restore'], { projectId: 'other' })
  expect((await members('', reader)).status).toBe(403)
  expect((await members('', stranger)).status).toBe(404)
  for (const path of ['nowhere', '../etc', '/etc', 'photos/cat'])
    expect((await members(`?path=${path}`)).status, path).toBe(404)
  for (const query of ['?cursor=x', '?search=', '?limit=0', `?path=${'a'.repeat(4_097)}`])
    expect((await members(query)).status, query).toBe(400)
  const dump = await upload(service, { key: admin, bytes: Buffer.from('x') })
  expect((await ask(admin, 'GET', '/backups/{id}/members', { id: dump })).status).toBe(400)
  // A tar file from elsewhere has no list, and is not read in whole for one.
  const tar = await upload(service, { key: admin, bytes: Buffer.alloc(1_024), filename: 'x.tar' })
  const without = await ask(admin, 'GET', '/backups/{id}/members', { id: tar })
  expect(without).toMatchObject({ status: 400, body: { code: 'USAGE' } })
})

it('one file comes with its length and tag, and the audit says who got which', async () => {
  const answer = await content('photos/cat.jpg')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-length')).toBe(String(CAT.length))
  expect(answer.headers.get('etag')).toBe(`"${createHash('sha256').update(CAT).digest('hex')}"`)
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename=cat.jpg')
  expect(answer.headers.get('content-type')).toBe('application/octet-stream')
  expect(Buffer.from(await answer.arrayBuffer()).equals(CAT)).toBe(true)
  expect(await (await content('old\\351.txt')).text()).toBe('old')
  expect(await (await content('photos/empty')).text()).toBe('')
  const page = await content('<b>кот\n\u202e.html')
  expect(page.headers.get('content-disposition')).not.toMatch(/[\n\u202e]|%E2%80%AE/)
  expect(await page.text()).toBe('a page')
  const head = await content('photos/cat.jpg', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(CAT.length)])
  const entries = await listAudit(service.database, { act: 'backup.fetch', limit: 10 })
  expect(entries.map(({ details }) => details['path'])).toEqual([
    '<b>кот\n\u202e.html',
    'photos/empty',
    'old\\351.txt',
    'photos/cat.jpg',
  ])
})

it('a folder, a path out of the backup, and a key without the right get no byte', async () => {
  expect((await content('photos')).status).toBe(400)
  for (const path of ['../../etc/passwd', '/etc/passwd', 'nowhere'])
    expect((await content(path)).status, path).toBe(404)
  expect((await content('')).status).toBe(400)
  expect((await content('photos/cat.jpg', { key: await service.key(['read']) })).status).toBe(403)
  const stranger = await service.key(['restore'], { projectId: 'other' })
  expect((await content('photos/cat.jpg', { key: stranger })).status).toBe(404)
})
