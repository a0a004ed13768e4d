import { beginRestore, finishRestore, pinBackup, sqlRunner } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AskOptions, openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let key: string

beforeAll(async () => {
  service = await openTestService()
  key = await service.key(['admin'])
})

afterAll(async () => {
  await service.close()
})

async function asked(
  path: string,
  options: AskOptions = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await service.ask(path, { key, ...options })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

it('where a database is, is for keys that may change the service', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('x'), project: 'placed' })
  const { executeSql } = sqlRunner(service.database)
  await executeSql(
    `update control_plane.backups set source = '{"kind": "postgres", "host": "db.internal", "database": "shop"}' where id = $1`,
    [id],
  )
  const { id: restoreId } = await beginRestore(service.database, {
    backupId: id,
    target: 'shop@db.internal:5432/staging',
  })
  await finishRestore(service.database, restoreId, { error: 'PostgreSQL at db.internal refused' })
  await executeSql(
    `insert into control_plane.verifications (backup_id, kind, state, error, actor, finished_at) values
       ($1, 'drill', 'failed', 'PostgreSQL at me@db.internal:5432/postgres cannot be reached', 'test', clock_timestamp()),
       ($1, 'data', 'failed', 'The chat does not answer', 'test', clock_timestamp())`,
    [id],
  )
  const reader = await service.key(['read', 'backup', 'restore'])
  for (const path of [`/backups/${id}`, '/backups?project_id=placed']) {
    const seen = JSON.stringify((await asked(path, { key: reader })).body)
    expect(seen).toContain('"database":"shop"')
    expect(seen).not.toContain('db.internal')
    expect(JSON.stringify((await asked(path)).body)).toContain('"host":"db.internal"')
  }
  const { body } = await asked(`/backups/${id}`)
  expect(JSON.stringify(body['history'])).toContain('shop@db.internal:5432/staging')
  expect(body['verifications']).toContainEqual(
    expect.objectContaining({
      kind: 'drill',
      error: 'PostgreSQL at me@db.internal:5432/postgres cannot be reached',
    }),
  )
  // That one has failed, anybody may know, and of another kind also of what.
  const { body: toReader } = await asked(`/backups/${id}`, { key: reader })
  for (const shown of [
    { kind: 'drill', state: 'failed', error: expect.stringContaining('scope admin') },
    { kind: 'data', state: 'failed', error: 'The chat does not answer' },
  ]) {
    expect(toReader['verifications']).toContainEqual(expect.objectContaining(shown))
  }
})

it('who did what is for keys that may change the service, wherever it would be shown', async () => {
  const actor = 'cli anna@build-7.internal'
  const id = await upload(service, { key, bytes: Buffer.from('y'), project: 'acted' })
  const { executeSql } = sqlRunner(service.database)
  await beginRestore({ ...service.database, actor }, { backupId: id, target: 'nowhere' })
  await executeSql(
    `insert into control_plane.verifications (backup_id, kind, state, actor) values ($1, 'data', 'running', $2)`,
    [id, actor],
  )
  await pinBackup({ ...service.database, actor }, id, true)
  await executeSql(
    `insert into control_plane.jobs (kind, project_id, backup_id, actor, worker) values ('verify', 'acted', $1, $2, $2)`,
    [id, actor],
  )
  const { body: jobs } = await asked('/jobs?project_id=acted&state=queued')
  const [job] = jobs['items'] as { id: string }[]
  await executeSql(`update control_plane.jobs set state = 'failed', finished_at = now() where id = $1`, [
    job?.id,
  ])
  const reader = await service.key(['read', 'backup', 'restore'])
  const paths = [
    `/backups/${id}`,
    '/backups?project_id=acted',
    '/jobs?project_id=acted',
    `/jobs/${job?.id}`,
    '/schedules',
    '/stats',
  ]
  for (const path of paths) {
    const seen = JSON.stringify((await asked(path, { key: reader })).body)
    expect(seen).not.toContain('anna')
    expect(seen).not.toContain('"actor"')
  }
  const events = await (await service.ask(`/jobs/${job?.id}/events`, { key: reader })).text()
  expect(events).toContain('"failed"')
  expect(events).not.toContain('anna')
  const { body } = await asked(`/backups/${id}`)
  expect(body['history']).toContainEqual(expect.objectContaining({ actor }))
  expect(body['verifications']).toContainEqual(expect.objectContaining({ actor }))
})
