import { createBucket, createDoorKey, createJob, type Role, SCOPES_OF_ROLE } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { invite, signedIn } from '#test/http/browser.ts'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let admin: string
/** All routes that need a key or a session, as the document names them. */
let routes: { method: string; path: string; scope: string | undefined; isForOwn: boolean }[]

beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
  const { paths } = (await (await service.ask('//openapi.json')).json()) as {
    paths: Record<string, Record<string, { security?: object[]; description?: string }>>
  }
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => path.startsWith('/api/v1') && security?.length !== 0)
      .map(([method, { description = '' }]) => ({
        ...{ method: method.toUpperCase(), path: path.replace('/api/v1', '') },
        scope: /Needs the scope (\w+)/.exec(description)?.[1],
        isForOwn: description.includes('about their own'),
      })),
  )
})
afterAll(() => service.close())

const UNKNOWN = '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'

it.each<Role>(['viewer', 'operator', 'restorer', 'admin'])(
  'a %s gets 403 from each route beyond the role, before anything is looked at',
  async role => {
    const person = await signedIn(service, { name: role, role })
    expect(routes.length).toBeGreaterThan(40)
    for (const { method, path, scope, isForOwn } of routes) {
      const status = await person.status(`${path.replace(/\{\w+\}/, UNKNOWN)}?bogus=1`, { method })
      const may = scope === undefined || isForOwn || SCOPES_OF_ROLE[role].some(own => own === scope)
      expect(status, `${method} ${path}`).toBe(may ? 400 : 403)
    }
  },
)

const idOf = async (asked: Promise<Response>): Promise<string> =>
  ((await (await asked).json()) as { id: string }).id

const BODIES: Record<string, object> = {
  'POST /backups': { source: 'shop' },
  'POST /backups/{id}/restore': { target: 'other-db' },
  'POST /backups/{id}/restore/preflight': { target: 'other-db' },
  'POST /schedules': { source: 'shop', cron: '0 3 * * *' },
  'POST /retention/preview': { project_id: 'shop', type: 'database', keep: { last: 1 } },
  'POST /people': { name: 'new', role: 'viewer', project_id: 'shop' },
  'POST /keys': { name: 'new', scopes: ['read'], project_id: 'shop' },
  'POST /alerts/{id}/mute': { minutes: 1 },
  'POST /evidence/{id}/review': { name: 'eve', note: 'x' },
  'POST /buckets': { name: 'laptop', project_id: 'shop' },
  'POST /buckets/{id}/undelete': { at: '2026-11-25' },
  'POST /door-keys': { bucket_id: UNKNOWN, scope: 'read' },
}

it('an administrator of a project finds nothing of the others on any route, by its id or in a list', async () => {
  const job = { kind: 'backup', projectId: 'shop', source: 'shop' } as const
  const made = { name: 'KEY OF SHOP', scopes: ['read'], project_id: 'shop' }
  const ann = await signedIn(service, { name: 'Ann Shop', role: 'viewer', projectId: 'shop' })
  const [session] = ((await (await ann.ask('/sessions')).json()) as { items: { id: string }[] }).items
  const shops = { name: 'bucket-of-shop', kind: 'restic', projectId: 'shop' } as const
  const bucket = await createBucket(service.database, shops)
  const doorKey = { bucketId: bucket.id, scope: 'read', name: 'DOOR KEY OF SHOP' } as const
  const theirs: Record<string, string> = {
    backups: await upload(service, { key: admin, bytes: Buffer.from('x') }),
    jobs: (await createJob(service.database, job, async () => {})).job.id,
    schedules: await idOf(service.ask('/schedules', { key: admin, json: BODIES['POST /schedules'] })),
    keys: await idOf(service.ask('/keys', { key: admin, json: made })),
    people: ann.id,
    sessions: session?.id ?? '',
    buckets: bucket.id,
    'door-keys': (await createDoorKey(service.database, doorKey)).doorKey.id,
  }
  BODIES['POST /door-keys'] = { bucket_id: bucket.id, scope: 'read' }
  const { id: ofAll } = await invite(service, { name: 'Boss', role: 'admin' })
  const hidden = [...Object.values(theirs), ofAll, made.name, shops.name, doorKey.name, 'Ann Shop', '"shop"']
  const bound = await signedIn(service, { name: 'bound', role: 'admin', projectId: 'other' })
  const asked = routes.filter(
    ({ path }) =>
      !/^\/(?:session|passkeys|events|whoami)\b|\/preview$/.test(path) || path.includes('retention'),
  )
  for (const { method, path } of asked) {
    const [kind = ''] = path.slice(1).split('/')
    const json = BODIES[`${method} ${path}`]
    const at = path.replace('{id}', theirs[kind] ?? UNKNOWN).replace('{name}', 'shop')
    const query = path.endsWith('/upload')
      ? '?project_id=shop&type=logs&filename=x'
      : `${method} ${path}` === 'DELETE /sessions'
        ? `?person_id=${ann.id}`
        : ''
    const answer = await bound.ask(`${at}${query}`, { method, ...(json && { json }) })
    const isList = method === 'GET' && !path.includes('{')
    const text = await answer.text()
    expect(answer.status, `${method} ${path}: ${text}`).toBe(isList ? 200 : 404)
    for (const one of hidden) expect(text, `${method} ${path}`).not.toContain(one)
  }
})
