import { createJob, pagePeople, type Role, removePerson } from '@telegram-backup/database'
import { assertAskerMay } from '@telegram-backup/engine/jobs/asker-rights.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Browser, invite, signedIn } from '#test/http/browser.ts'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(async () => {
  await service.close()
})
beforeEach(async () => {
  for (const { id } of await pagePeople(service.database, { limit: 100 }))
    await removePerson(service.database, id, { evenTheLast: true })
})

const answerOf = async (asked: Promise<Response>) => {
  const answer = await asked
  const body = (answer.status === 204 ? {} : await answer.json()) as Record<string, unknown>
  return { status: answer.status, code: body['code'], body }
}

it.each<[Role, number, number, number, number]>([
  ['viewer', 200, 403, 403, 403],
  ['operator', 200, 202, 403, 403],
  ['restorer', 200, 202, 200, 403],
  ['admin', 200, 202, 200, 200],
])('a %s may do what the scopes of the role allow', async (role, read, backup, restore, admin) => {
  const key = await service.key(['admin'])
  const id = await upload(service, { key, bytes: Buffer.from('x') })
  const person = await signedIn(service, { name: 'ann', role })
  expect(await person.status('/backups')).toBe(read)
  expect(await person.status('/backups', { json: { source: 'shop' } })).toBe(backup)
  expect(await person.status(`/backups/${id}/content`)).toBe(restore)
  expect(await person.status('/people')).toBe(admin)
  expect(await person.status('/audit')).toBe(admin)
})

it('nobody gives away more than they have, and the last administrator stays', async () => {
  const boss = await signedIn(service, { name: 'boss', role: 'admin' })
  const bound = await signedIn(service, { name: 'bound', role: 'admin', projectId: 'shop' })
  const add = (by: Browser, json: object) => answerOf(by.ask('/people', { json }))
  expect(await add(bound, { name: 'x', role: 'viewer', project_id: 'other' })).toMatchObject({ status: 404 })
  const made = await add(bound, { name: 'x', role: 'viewer' })
  expect(made).toMatchObject({
    status: 201,
    body: { project_id: 'shop', link: { token: expect.any(String) } },
  })
  expect(await add(bound, { name: 'X', role: 'viewer' })).toMatchObject({ status: 409, code: 'CONFLICT' })
  const list = (await (await bound.ask('/people')).json()) as { items: { name: string }[] }
  expect(list.items.map(({ name }) => name)).toEqual(['x', 'bound'])
  // A link of the administrator of all would make anybody one.
  for (const [method, path] of [
    ['POST', `/people/${boss.id}/link`],
    ['DELETE', `/people/${boss.id}`],
    ['PATCH', `/people/${boss.id}`],
  ] as const) {
    const json = method === 'PATCH' ? { role: 'viewer' } : undefined
    expect(await answerOf(bound.ask(path, { method, json }))).toMatchObject({ status: 404 })
  }
  const widen = { method: 'PATCH', json: { project_id: null } }
  expect(await answerOf(bound.ask(`/people/${bound.id}`, widen))).toMatchObject({ status: 403 })
  const expiring = await service.key(['admin'], { expiresAt: new Date(Date.now() + 60_000) })
  const byKey = { key: expiring, json: { name: 'y', role: 'viewer' } }
  expect((await service.ask('/people', byKey)).status).toBe(403)
  for (const options of [{ method: 'DELETE' }, { method: 'PATCH', json: { role: 'restorer' } }])
    expect(await answerOf(boss.ask(`/people/${boss.id}`, options))).toMatchObject({
      status: 409,
      code: 'LAST_ADMIN',
    })
  // Of two who lower each other at once, one is left.
  const second = await signedIn(service, { name: 'second', role: 'admin' })
  const lower = { method: 'PATCH', json: { role: 'viewer' } }
  const both = [boss.status(`/people/${second.id}`, lower), second.status(`/people/${boss.id}`, lower)]
  await Promise.all(both)
  const admins = (await pagePeople(service.database, { limit: 10 })).filter(
    ({ role, project_id }) => role === 'admin' && project_id === null,
  )
  expect(admins).toHaveLength(1)
})

it('a person who may do less, or was removed, is signed out; their jobs that wait do not run', async () => {
  const boss = await signedIn(service, { name: 'boss', role: 'admin' })
  const ann = await signedIn(service, { name: 'ann', role: 'operator' })
  const change = (role: Role) => boss.status(`/people/${ann.id}`, { method: 'PATCH', json: { role } })
  expect(await change('restorer')).toBe(200)
  expect(await ann.status('/whoami')).toBe(200)
  const request = { json: { source: 'shop' } }
  const { job_id: id } = (await (await ann.ask('/backups', request)).json()) as { job_id: string }
  // The same request waits once, as it does for keys.
  expect(await (await ann.ask('/backups', request)).json()).toEqual({ job_id: id })
  const job = (await (await ann.ask(`/jobs/${id}`)).json()) as Parameters<typeof assertAskerMay>[1]
  await assertAskerMay(service.database, job, ['shop'])
  expect(await change('viewer')).toBe(200)
  expect(await ann.status('/whoami')).toBe(401)
  await expect(assertAskerMay(service.database, job, ['shop'])).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await change('operator')
  await assertAskerMay(service.database, job, ['shop'])
  expect(await boss.status(`/people/${ann.id}`, { method: 'DELETE' })).toBe(204)
  await expect(assertAskerMay(service.database, job, ['shop'])).rejects.toThrow(/person .* was removed/)
  expect(await boss.status(`/people/${ann.id}/link`, { method: 'POST' })).toBe(404)
})

it('a link ends with what its person might do, for whoever has made it may not let in more', async () => {
  const boss = await signedIn(service, { name: 'boss', role: 'admin' })
  const bound = await signedIn(service, { name: 'bound', role: 'admin', projectId: 'shop' })
  const made = await bound.ask('/people', { json: { name: 'ann', role: 'viewer' } })
  const { id, link } = (await made.json()) as { id: string; link: { token: string } }
  const raised = { method: 'PATCH', json: { role: 'admin', project_id: null } }
  expect(await boss.status(`/people/${id}`, raised)).toBe(200)
  expect(await new Browser(service).signIn({ link: link.token })).toBe(401)
  expect(await bound.status(`/people/${id}/link`, { method: 'POST' })).toBe(404)
})

it('what cannot be undone, or gives away rights, needs a factor within five minutes; a key is not asked', async () => {
  const key = await service.key(['admin'])
  const boss = await signedIn(service, { name: 'boss', role: 'admin' })
  const id = await upload(service, { key, bytes: Buffer.from('x') })
  const other = await invite(service, { name: 'ann', role: 'viewer' })
  await sql`update control_plane.sessions set factor_at = factor_at - interval '6 minutes'`.execute(
    service.database.kysely,
  )
  const restore = { target: 'staging', overwrite: true }
  const kept = { source: 'shop', cron: '0 3 * * *', keep: { daily: 7, within: '30d' } }
  const made = await service.ask('/schedules', { key, json: kept })
  const { id: schedule } = (await made.json()) as { id: string }
  for (const [method, path, json] of [
    ['DELETE', `/backups/${id}?even_the_last=true`, undefined],
    ['POST', `/backups/${id}/restore`, restore],
    ['POST', '/keys', { name: 'k', scopes: ['read'] }],
    ['DELETE', `/keys/${id}`, undefined],
    ['POST', '/people', { name: 'x', role: 'viewer' }],
    ['PATCH', `/people/${other.id}`, { role: 'admin' }],
    ['DELETE', `/people/${other.id}`, undefined],
    ['POST', `/people/${other.id}/link`, undefined],
    ['POST', '/session/password', { password: 'a new long password' }],
    // What a policy no longer keeps is erased.
    ['POST', '/schedules', { source: 'shop', cron: '0 3 * * *', keep: { last: 1 } }],
    ['PATCH', `/schedules/${schedule}`, { keep: { last: 1 } }],
    ['PATCH', `/schedules/${schedule}`, { keep: null }],
  ] as const) {
    const refused = await answerOf(boss.ask(path, { method, json }))
    expect(refused, `${method} ${path}`).toMatchObject({ status: 403, code: 'FACTOR_NEEDED' })
    expect(refused.body['hint']).toMatch(/password again/)
  }
  expect(await boss.status(`/backups/${id}/restore`, { json: { target: 'staging' } })).toBe(202)
  expect((await service.ask(`/backups/${id}/restore`, { key, json: restore })).status).toBe(202)
  // The page sends the policy as it is with whatever else is changed.
  const same = { method: 'PATCH', json: { keep: { daily: 7, within: '30d' }, jitter: 9 } }
  expect(await boss.status(`/schedules/${schedule}`, same)).toBe(200)
})

it('a job of an older release, whose asker nobody knows, does not run', async () => {
  const { job } = await createJob(
    service.database,
    { kind: 'backup', projectId: 'shop', source: 'shop', byCaller: { callerId: crypto.randomUUID() } },
    async () => {},
  )
  await expect(assertAskerMay(service.database, job)).rejects.toMatchObject({ code: 'FORBIDDEN' })
})
