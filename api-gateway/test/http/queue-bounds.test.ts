import { getJob, listJobs } from '@telegram-backup/database'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service.close())

interface Answer {
  status: number
  body: { job_id?: string; code?: string; hint?: string }
}

async function ask(path: string, key: string, json: unknown, idempotencyKey?: string): Promise<Answer> {
  const headers = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }
  const answer = await service.ask(path, { key, json, headers })
  return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

test('a key that asks 300 times for one source, each time under a new idempotency key, has one job waiting', async () => {
  const key = await service.key(['backup'])
  const answers: Answer[] = []
  for (let round = 0; round < 10; round++) {
    const thirty = Array.from({ length: 30 }, (_, count) =>
      ask('/backups', key, { source: 'shop' }, count % 2 === 0 ? `deploy-${round}-${count}` : undefined),
    )
    answers.push(...(await Promise.all(thirty)))
  }
  const [first] = answers
  expect(answers.map(({ status, body }) => ({ status, id: body.job_id }))).toEqual(
    answers.map(() => ({ status: 202, id: first?.body.job_id })),
  )
  expect(await listJobs(service.database, { limit: 500 })).toHaveLength(1)
  // Also when it has ended long since.
  await sql`update control_plane.jobs set state = 'done', finished_at = now()`.execute(
    service.database.kysely,
  )
  const again = await ask('/backups', key, { source: 'shop' }, 'deploy-9-28')
  expect(again).toMatchObject({ status: 202, body: { job_id: first?.body.job_id } })
  expect(await ask('/backups', key, { source: 'other' }, 'deploy-9-28')).toMatchObject({ status: 409 })
})

test('a key fills the queue with restores and verifications no more than so far; then 409 says what to do, and the others have room', async () => {
  const admin = await service.key(['admin'])
  const backup = await upload(service, { key: admin, bytes: Buffer.from('one') })
  const { database } = service
  await sql`delete from control_plane.jobs`.execute(database.kysely)
  const greedy = await service.key(['restore', 'backup'])
  for (const target of ['staging', 'other-db']) {
    await ask(`/backups/${backup}/restore`, greedy, { target })
    await ask(`/backups/${backup}/restore`, greedy, { target, overwrite: true })
    expect((await ask(`/backups/${backup}/restore`, greedy, { target })).status).toBe(202)
  }
  expect(await listJobs(database, { limit: 500, state: 'queued' })).toHaveLength(4)
  await sql`insert into control_plane.jobs (kind, project_id, backup_id, options, api_key_id)
            select 'verify', 'shop', ${backup}::uuid, jsonb_build_object('n', n), api_key_id
              from generate_series(1, 196) n, (select api_key_id from control_plane.jobs limit 1) of_key`.execute(
    database.kysely,
  )
  const refused = await Promise.all([
    ask(`/backups/${backup}/verify`, greedy, {}),
    ask(`/backups/${backup}/verify`, greedy, { read_data: true }),
    ask('/backups', greedy, { source: 'other' }),
  ])
  for (const { status, body } of refused) {
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: 'QUEUE_FULL', hint: expect.stringContaining('state=queued') })
  }
  expect(await listJobs(database, { limit: 500, state: 'queued' })).toHaveLength(200)
  const other = await service.key(['backup'])
  const { status, body } = await ask('/backups', other, { source: 'shop' })
  expect(status).toBe(202)
  expect(await getJob(database, body.job_id ?? '')).toMatchObject({ state: 'queued' })
})
