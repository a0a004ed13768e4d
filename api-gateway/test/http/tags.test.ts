import { changeTags } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let key: string

beforeAll(async () => {
  service = await openTestService()
  key = await service.key(['admin'])
})
afterAll(() => service.close())

it('a backup shows its tags, and lists are narrowed by one, within the project of the key', async () => {
  const ids = [
    await upload(service, { key, bytes: Buffer.from('x'), project: 'north' }),
    await upload(service, { key, bytes: Buffer.from('y'), project: 'south' }),
    await upload(service, { key, bytes: Buffer.from('z'), project: 'south' }),
  ]
  for (const id of ids.slice(0, 2))
    await changeTags(service.database, id, { add: ['release:1', 'a'], remove: [] })
  const listed = async (query: string, of = key): Promise<unknown> => {
    const answer = await service.ask(`/backups${query}`, { key: of })
    const { items } = (await answer.json()) as { items: { id: string; tags: string[] }[] }
    return items.map(({ id, tags }) => [id, tags])
  }
  const tags = ['a', 'release:1']
  expect(await listed('?tag=release:1')).toEqual([
    [ids[1], tags],
    [ids[0], tags],
  ])
  expect(await listed('?tag=release')).toEqual([])
  const bound = await service.key(['read'], { projectId: 'north' })
  expect(await listed('?tag=a', bound)).toEqual([[ids[0], tags]])
  for (const bad of ['a%20b', '', "a'--", `${'a'.repeat(65)}`])
    expect((await service.ask(`/backups?tag=${bad}`, { key })).status, bad).toBe(400)
})
