import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { getBackupDetails, type Job, type JobState, listJobs, sqlRunner } from '@telegram-backup/database'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'
import { expectNothingLeft } from '#test/http/nothing-left.ts'

let service: TestService
let key: string

beforeAll(async () => {
  service = await openTestService({ uploads_at_once: 3 })
  key = await service.key(['admin'])
})

afterAll(async () => {
  await service.close()
})

const UPLOAD = '/api/v1/backups/upload?project_id=shop&type=storage'

/** An upload whose bytes the test gives by hand. */
function openUpload(headers: Record<string, string> = {}) {
  const upload = request(`${service.server.url}${UPLOAD}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, ...headers },
  })
  upload.on('error', () => {})
  return upload
}

const ENDS: JobState[] = ['done', 'failed', 'cancelled']

/** Asked before an upload: gives that one's job as soon as it is in one of these states. */
async function jobOfNextUpload(): Promise<(...states: JobState[]) => Promise<Job>> {
  const [before] = await listJobs(service.database, { limit: 1 })
  return async (...states) => {
    for (;;) {
      const [job] = await listJobs(service.database, { limit: 1 })
      if (job !== undefined && job.id !== before?.id && states.includes(job.state)) return job
      await sleep(20)
    }
  }
}

/** Gives a little more all the time, so that the upload does not stall; returns how to stop that. */
function feed(upload: ReturnType<typeof openUpload>): () => void {
  upload.write(randomBytes(20_000))
  const feeding = setInterval(() => upload.write(randomBytes(20_000)), 100)
  return () => clearInterval(feeding)
}

describe('an upload', () => {
  it('comes back as the same bytes, under its name, and leaves a job that is done', async () => {
    const bytes = randomBytes(300_000)
    const id = await upload(service, { key, bytes, filename: 'übung "1".sql' })
    const answer = await service.ask(`/backups/${id}/content`, { key })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-length')).toBe('300000')
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; .*filename\*=UTF-8''%C3%BCbung/)
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
    const [job] = await listJobs(service.database, { limit: 1 })
    expect(job).toMatchObject({ kind: 'backup', state: 'done', backup_id: id, project_id: 'shop' })
    expect(job?.progress).toMatchObject({ bytes_done: 300_000, bytes_total: 300_000 })
    await expectNothingLost(service.vault, { database: service.database, chatId: service.vault.chatId })
  })

  it('that is in the chat has a job that is done, also when the catalog was away as its end was told', async () => {
    const { executeSql } = sqlRunner(service.database)
    await executeSql(`create sequence public.ends`)
    await executeSql(`create function public.refuse_first() returns trigger language plpgsql as $$
      begin
        if nextval('public.ends') = 1 then raise exception 'away' using errcode = '57P01'; end if;
        return new;
      end $$`)
    await executeSql(`create trigger refuse_first before update on control_plane.jobs
      for each row when (new.state = 'done') execute function public.refuse_first()`)
    const id = await upload(service, { key, bytes: randomBytes(10_000) })
    expect(await listJobs(service.database, { limit: 1 })).toMatchObject([{ state: 'done', backup_id: id }])
    expect((await executeSql(`select last_value::int from public.ends`)).rows).toEqual([{ last_value: 2 }])
    await executeSql('drop trigger refuse_first on control_plane.jobs')
  })

  it('may come in chunks, and waits for a word before it comes when it says so', async () => {
    const chunked = openUpload({ 'Transfer-Encoding': 'chunked', Expect: '100-continue' })
    chunked.flushHeaders()
    await once(chunked, 'continue')
    for (let chunk = 0; chunk < 20; chunk++) chunked.write(randomBytes(10_000))
    chunked.end()
    const [answer] = await once(chunked, 'response')
    expect(answer.statusCode).toBe(201)
    answer.resume()
    const refused = openUpload({
      'Content-Length': '1000000',
      Expect: '100-continue',
      Authorization: 'Bearer x',
    })
    refused.once('continue', () => expect.unreachable('it was asked for a body with a wrong key'))
    refused.flushHeaders()
    expect((await once(refused, 'response'))[0].statusCode).toBe(401)
    refused.destroy()
  })

  it('whose client goes away is taken back, and nothing is left of it', async () => {
    const jobIn = await jobOfNextUpload()
    const before = service.vault.messageIds().length
    const broken = openUpload()
    const starve = feed(broken)
    await jobIn('running')
    while (service.vault.messageIds().length === before) await sleep(20)
    starve()
    broken.destroy()
    const job = await jobIn(...ENDS)
    expect(['failed', 'cancelled']).toContain(job.state)
    await expectNothingLeft(service, job)
  })

  it('that announces more than it sends is refused, and nothing is left of it', async () => {
    const jobIn = await jobOfNextUpload()
    const short = openUpload({ 'Content-Length': '500000' })
    short.write(randomBytes(200_000))
    await jobIn('running', ...ENDS)
    short.socket?.end()
    const job = await jobIn(...ENDS)
    expect(job.state).not.toBe('done')
    await expectNothingLeft(service, job)
  })

  it('that is cancelled by its job is taken back', async () => {
    const jobIn = await jobOfNextUpload()
    const upload = openUpload()
    const answered = once(upload, 'response')
    const starve = feed(upload)
    const { id } = await jobIn('running')
    expect((await service.ask(`/jobs/${id}`, { key, method: 'DELETE' })).status).toBe(202)
    const [answer] = await answered
    starve()
    upload.destroy()
    expect(answer.statusCode).toBe(409)
    const job = await jobIn(...ENDS)
    expect(job.state).toBe('cancelled')
    await expectNothingLeft(service, job)
  })

  it('that Telegram refuses answers 502 with both sides', async () => {
    const refusal = { kind: 'error', errorCode: 400, description: 'Bad Request: FILE_PARTS_INVALID' } as const
    service.vault.emulator.faults.on('sendDocument', { call: 2, calls: 20 }, refusal)
    const jobIn = await jobOfNextUpload()
    const answer = await service.ask('/backups/upload?project_id=shop&type=storage', {
      key,
      body: new Uint8Array(randomBytes(300_000)),
    })
    service.vault.emulator.faults.clear()
    expect(answer.status).toBe(502)
    const problem = (await answer.json()) as { detail: string }
    expect(problem).toMatchObject({ details: { telegramSuccess: false, databaseSuccess: false } })
    expect(problem.detail).toMatch(/^Failed to send backup to Telegram/)
    await expectNothingLeft(service, await jobIn(...ENDS))
  })

  it('beyond those that go at once of one key is asked to come again, and another key has room', async () => {
    const open = [openUpload(), openUpload()]
    const starve = open.map(feed)
    const running = async () => (await listJobs(service.database, { limit: 9, state: 'running' })).length
    while ((await running()) < open.length) await sleep(20)
    const answer = await service.ask('/backups/upload?project_id=shop&type=logs', { key, body: 'more' })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await answer.json()).toMatchObject({ code: 'OVERLOADED', hint: expect.any(String) })
    expect(service.log.map(line => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 'warn', code: 'OVERLOADED', request_id: expect.any(String) }),
    )
    await upload(service, { key: await service.key(['backup']), bytes: Buffer.from('of another key') })
    for (const stop of starve) stop()
    for (const one of open) one.destroy()
    // A job ends a moment before its slot is free.
    const again = () => service.ask('/backups/upload?project_id=shop&type=logs', { key, body: 'now' })
    await expect.poll(async () => (await again()).status).toBe(201)
  })
})

describe('contents', () => {
  it('are broken off when a part is not what was sent, and never ended', async () => {
    const bytes = randomBytes(400_000)
    const id = await upload(service, { key, bytes })
    for (const call of [1, 3]) {
      service.vault.emulator.faults.on('download', { call, calls: 40 }, { kind: 'flip-bit', offset: 5_000 })
      const fetched = service
        .ask(`/backups/${id}/content`, { key })
        .then(async answer => Buffer.from(await answer.arrayBuffer()))
      await expect(fetched, `part ${call}`).rejects.toThrow()
      service.vault.emulator.faults.clear()
    }
    expect((await getBackupDetails(service.database, id))?.damaged_at).toBeInstanceOf(Date)
    const whole = await service.ask(`/backups/${id}/content`, { key })
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)
    // Every byte was read and was right: what was known against it is taken back.
    expect((await getBackupDetails(service.database, id))?.damaged_at).toBeNull()
  })

  it('stop coming out of the chat when the client goes away', async () => {
    const id = await upload(service, { key, bytes: randomBytes(4_000_000) })
    const away = new AbortController()
    const { inspect, faults } = service.vault.emulator
    const before = inspect.calls('download')
    faults.on('download', { calls: 100 }, { kind: 'delay', ms: 100 })
    const answer = await fetch(`${service.server.url}/api/v1/backups/${id}/content`, {
      headers: { Authorization: `Bearer ${key}` },
      signal: away.signal,
    })
    await answer.body?.getReader().read()
    away.abort()
    let soon = 0
    while (soon !== inspect.calls('download')) {
      soon = inspect.calls('download')
      await sleep(700)
    }
    faults.clear()
    // Of about 62 parts; some are in the buffers between.
    expect(soon - before).toBeLessThan(50)
  })
})
