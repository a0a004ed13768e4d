import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service.close())

test('what is wrong with the settings of a source or a target tells a key of another project nothing of it', async () => {
  const admin = await service.key(['admin'])
  const others = await service.key(['admin'], { projectId: 'other' })
  const backup = await upload(service, { key: admin, bytes: Buffer.from('theirs'), project: 'other' })
  const ask = async (path: string, key: string, json: object): Promise<object> => {
    const answer = await service.ask(path, { key, json })
    return { ...((await answer.json()) as object), instance: '', status: answer.status }
  }
  const asked: [path: string, of: (name: string) => object][] = [
    ['/backups', source => ({ source })],
    ['/schedules', source => ({ source, cron: '0 0 * * *' })],
    [`/backups/${backup}/restore`, target => ({ target })],
    [`/backups/${backup}/verify`, on => ({ drill: true, on })],
  ]
  for (const [path, of] of asked) {
    const unknown = await ask(path, others, of('none-such'))
    expect(await ask(path, others, of('unset'))).toEqual(unknown)
    expect(unknown).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    // Whoever sees it is told.
    const told = { status: 503, hint: expect.stringContaining('NO_SUCH_VARIABLE') }
    expect(await ask(path, admin, of('unset'))).toMatchObject(told)
  }
  const own = await service.key(['backup'], { projectId: 'shop' })
  expect(await ask('/backups', own, { source: 'unset' })).toMatchObject({ status: 503 })
})
