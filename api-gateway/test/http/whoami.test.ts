import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(async () => {
  await service.close()
})

it.each([
  [['read'], undefined, 'viewer', null],
  [['backup'], undefined, 'operator', null],
  [['read', 'backup', 'restore'], 'shop', 'restorer', ['shop']],
  [['admin', 'read'], undefined, 'admin', null],
] as const)('a key with %j of %s is a %s', async (scopes, projectId, role, projects) => {
  const key = await service.key(scopes, projectId === undefined ? {} : { projectId })
  const answer = await service.ask('/whoami', { key })
  expect(answer.status).toBe(200)
  const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/)
  expect(await answer.json()).toEqual({
    who: 'test',
    kind: 'key',
    role,
    scopes: expect.arrayContaining([...scopes]),
    projects,
    since,
    factors: ['key'],
  })
})

it('without a key nobody is told anything', async () => {
  expect((await service.ask('/whoami')).status).toBe(401)
})
