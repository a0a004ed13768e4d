import { join } from 'node:path'
import { sqlRunner } from '@telegram-backup/database'
import { readConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'
import { createMetrics } from '@telegram-backup/engine/monitoring/metrics.ts'
import { overview } from '@telegram-backup/engine/operations/overview.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ApiConformance, filled } from '#test/http/api-conformance.ts'
import { type AskOptions, openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let api: ApiConformance
let admin: string

beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
  const document = await (await service.ask('//openapi.json')).json()
  api = new ApiConformance(document as ConstructorParameters<typeof ApiConformance>[0])
})

afterAll(async () => {
  await service.close()
})

type Item = Record<string, unknown>

/** Asks, and compares the answer with the document. */
async function asked(
  method: string,
  path: string,
  { id = '', ...options }: AskOptions & { id?: string } = {},
): Promise<{ status: number; body: Item & { items: Item[]; sources: Item[]; reasons: Item[] } }> {
  const [bare = ''] = path.split('?')
  const described = api.operations.find(one => one.method === method && one.path === `/api/v1${bare}`)
  if (described === undefined) throw new Error(`${method} ${path} is not in the document`)
  const answer = await service.ask(filled(path, id), { key: admin, method, ...options })
  return { status: answer.status, body: (await api.check(described, answer)) as never }
}

it('a source that the file names and that has no backup is broken, and says so', async () => {
  const { status, body } = await asked('GET', '/overview')
  expect(status).toBe(200)
  expect(body).toMatchObject({ state: 'broken', alerts: [], running: [] })
  expect(body['sentence']).toMatch(/^3 of 3 sources cannot be restored: /)
  expect(body.sources.map(({ source, project_id, state }) => [source, project_id, state])).toEqual([
    ['shop', 'shop', 'broken'],
    ['other', 'other', 'broken'],
    ['unset', 'shop', 'broken'],
  ])
  expect(body.sources[2]?.['reasons']).toMatchObject([{ code: 'no_backup' }, { code: 'source_unusable' }])
})

it('a key that is bound to a project sees the overview of that project alone', async () => {
  await upload(service, { key: admin, bytes: Buffer.from('x'), project: 'other' })
  const bound = await service.key(['read'], { projectId: 'other' })
  const sentence = async () => (await asked('GET', '/overview', { key: bound })).body['sentence']
  // An overview may be a second old.
  await expect.poll(sentence).toMatch(/^1 of 2 sources cannot be restored: other /)
  expect(JSON.stringify((await asked('GET', '/overview', { key: bound })).body)).not.toContain('shop')
  for (const path of ['/sources', '/targets'])
    expect(JSON.stringify((await asked('GET', path, { key: bound })).body)).not.toContain('"shop"')
  expect((await asked('GET', '/overview?project_id=shop', { key: bound })).status).toBe(404)
})

it('the route, status and the metrics say the same, and a source is broken at once when its last backup is erased', async () => {
  const config = readConfig({
    TELEGRAM_BACKUP_HOME: service.vault.folder,
    TELEGRAM_BACKUP_CONFIG: join(service.vault.folder, 'telegram-backup.yaml'),
  })
  const own = { config, configFile: await readConfigFile(config, {}) }
  const metrics = createMetrics({ cacheForMs: 0, timeLimitMs: 60_000 })
  const log = createLogger({ level: 'silent' })
  metrics.readFrom({ database: service.database, intervalOf: () => 0, own: () => own, log })
  const { executeSql } = sqlRunner(service.database)
  const id = await upload(service, { key: admin, bytes: Buffer.from('y') })
  await executeSql(`update control_plane.backups set source_name = 'shop' where id = $1`, [id])
  for (const [state, change] of [
    ['ok', 'state = state'],
    ['broken', 'damaged_at = now()'],
    ['ok', 'damaged_at = null'],
    ['broken', `state = 'erased'`],
  ] as const) {
    await executeSql(`update control_plane.backups set ${change} where id = $1`, [id])
    const shop = async () =>
      (await asked('GET', '/overview')).body.sources.find(({ source }) => source === 'shop')
    await expect.poll(async () => (await shop())?.['state'], { timeout: 10_000 }).toBe(state)
    const status = await overview(service.database, { isAdmin: true }, own)
    const { as_of, sentence, ...shown } = (await asked('GET', '/overview')).body
    expect(JSON.parse(JSON.stringify(status))).toMatchObject(shown)
    const { text } = await metrics.render()
    const labels = '{project="shop",type="database",source="shop"}'
    expect(text).toContain(`telegram_backup_source_state${labels} ${state === 'ok' ? 0 : 2}\n`)
  }
})

it('sources and targets are listed without their places', async () => {
  const sources = await asked('GET', '/sources')
  expect(
    sources.body.items.map(({ name, kind, is_usable, proof, drill_within_hours }) => [
      ...[name, kind, is_usable],
      ...[proof, drill_within_hours],
    ]),
  ).toEqual([
    ['other', 'file', true, 'fast', null],
    ['shop', 'file', true, 'fast', 168],
    ['unset', null, false, null, null],
  ])
  const targets = await asked('GET', '/targets')
  expect(targets.body.items.map(({ name, project_id }) => [name, project_id])).toEqual([
    ['other-db', 'other'],
    ['staging', null],
    ['unset', 'shop'],
  ])
  const shown = JSON.stringify([sources.body, targets.body])
  for (const secret of ['nowhere', 'localhost', 's3cret', 'postgresql:']) expect(shown).not.toContain(secret)
})

it('a check says what doctor says, and only a key with the scope admin reads it afterwards', async () => {
  const { status, body } = await asked('POST', '/sources/{name}/check', { id: 'shop' })
  expect([status, body['state']]).toEqual([200, 'failed'])
  expect(body['message']).toContain('/nowhere/shop.sql')
  expect((await asked('POST', '/sources/{name}/check', { id: 'unset' })).body['state']).toBe('failed')
  const lastCheck = async (key: string) =>
    (await asked('GET', '/sources', { key })).body.items.find(({ name }) => name === 'shop')?.['last_check']
  expect(await lastCheck(admin)).toEqual(body)
  expect(await lastCheck(await service.key(['read']))).toEqual({ ...body, message: null, hint: null })
})

it('a source of another serve cannot be checked here; one that nobody names does not exist', async () => {
  const declared = {
    project_id: 'far',
    type: 'database',
    kind: 'postgres',
    is_usable: true,
    no_backup_for_ms: 60_000,
  }
  await sqlRunner(service.database).executeSql(
    `insert into control_plane.services (id, pid, hostname, sources, targets, declared_sources)
     values (gen_random_uuid(), 1, 'elsewhere', '{far-db}', '{}', $1)`,
    [JSON.stringify([{ name: 'far-db', ...declared }])],
  )
  const { body } = await asked('GET', '/sources')
  expect(body.items).toContainEqual(
    expect.objectContaining({
      ...{ name: 'far-db', serves: 1, no_backup_for_hours: 1 / 60 },
      ...{ proof: null, drill_within_hours: null },
    }),
  )
  const check = (id: string, key = admin) => asked('POST', '/sources/{name}/check', { id, key })
  expect((await check('far-db')).status).toBe(409)
  const bound = await service.key(['admin'], { projectId: 'shop' })
  const refused: [string, string?][] = [['nobody'], ['__proto__'], ['far-db', bound], ['other', bound]]
  for (const one of refused) expect((await check(...one)).status, one[0]).toBe(404)
  expect((await check('shop', await service.key(['restore']))).status).toBe(403)
  expect((await asked('GET', '/sources?limit=1')).status).toBe(400)
})
