import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { checksumsOf } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServeProcess, startServe } from '#acceptance/serve-process.ts'
import { openStage, type Stage } from '#acceptance/stage.ts'

// All that the table of the HTTP API promises, by `curl` and a key alone, against a real serve that does the
// jobs too.

const run = promisify(execFile)
const NO_SUCH_ID = '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'

interface Answer {
  status: number
  type: string
  location: string
  /** Parsed, where it is JSON. */
  body: Record<string, unknown>
  text: string
}

let stage: Stage
let serve: ServeProcess
const keys: Record<string, string> = {}

beforeAll(async () => {
  await run('curl', ['--version']).catch(() => {
    throw new Error('This test needs curl: apt-get install curl')
  })
  stage = await openStage()
  serve = await startServe(stage.env)
  for (const scope of ['read', 'backup', 'restore', 'admin'])
    keys[scope] = (
      await stage.ask<{ key: string }>('apikey', 'create', '--name', scope, '--scope', scope)
    ).key
})

afterAll(async () => {
  await serve?.stop()
  await stage?.close()
})

/** One call; `path` is below /api/v1 unless it begins with two slashes. */
async function curl(scope: string, path: string, ...args: string[]): Promise<Answer> {
  const url = path.startsWith('//') ? serve.url + path.slice(1) : `${serve.url}/api/v1${path}`
  const auth = scope === '' ? [] : ['-H', `Authorization: Bearer ${keys[scope] ?? scope}`]
  const format = '\n%{http_code}\n%{content_type}\n%header{location}'
  const { stdout } = await run('curl', ['-sS', '-w', format, ...auth, ...args, url], { maxBuffer: 2 ** 26 })
  const lines = stdout.split('\n')
  const [status, type = '', location = ''] = lines.slice(-3)
  const text = lines.slice(0, -3).join('\n')
  const body = /json/.test(type) ? (JSON.parse(text) as Answer['body']) : {}
  return { status: Number(status), type, location, body, text }
}

const json = (value: unknown): string[] => [
  '-H',
  'Content-Type: application/json',
  '-d',
  JSON.stringify(value),
]

/** Waits for a job by its Location; the test's own time limit ends it otherwise. */
async function ended({ status, location }: Answer): Promise<Answer['body']> {
  expect(status).toBe(202)
  for (;;) {
    const { body } = await curl('read', location.replace(/^\/api\/v1/, ''))
    if (!['queued', 'running'].includes(String(body['state']))) return body
    await delay(200)
  }
}

async function upload(bytes: Buffer): Promise<string> {
  const path = join(stage.folder, 'upload.bin')
  await writeFile(path, bytes)
  const sent = await curl(
    'backup',
    '/backups/upload?project_id=shop&type=storage&filename=a.bin',
    '--data-binary',
    `@${path}`,
  )
  expect(sent).toMatchObject({ status: 201, body: { success: true } })
  return (sent.body['databaseRecord'] as { id: string }).id
}

describe('curl and a key', () => {
  test('back a source up, once for one Idempotency-Key, follow the job, restore it, and verify it', async () => {
    const order = ['-H', 'Idempotency-Key: tonight', ...json({ source: 'shop' })]
    const first = await curl('backup', '/backups', ...order)
    expect((await curl('backup', '/backups', ...order)).body).toEqual(first.body)
    const events = await curl('read', `/jobs/${first.body['job_id']}/events`, '-N')
    expect(events.type).toContain('text/event-stream')
    expect(events.text).toMatch(/"state":"done"/)
    const job = await ended(first)
    expect(job).toMatchObject({ id: first.body['job_id'], kind: 'backup', state: 'done', error: null })
    const id = String(job['backup_id'])
    expect((await curl('read', `/backups/${id}`)).body).toMatchObject({
      id,
      state: 'complete',
      parts: expect.any(Array),
    })

    const restored = await ended(
      await curl('restore', `/backups/${id}/restore`, ...json({ target: 'again' })),
    )
    expect(restored).toMatchObject({ kind: 'restore', state: 'done' })
    expect(await checksumsOf(stage.server, 'again')).toBe(await checksumsOf(stage.server, 'shop'))
    const again = await ended(await curl('restore', `/backups/${id}/restore`, ...json({ target: 'again' })))
    expect(again).toMatchObject({ state: 'failed', error: { code: expect.any(String) } })
    const over = await curl(
      'restore',
      `/backups/${id}/restore`,
      ...json({ target: 'again', overwrite: true }),
    )
    expect(await ended(over)).toMatchObject({ state: 'done' })

    for (const wish of [{}, { read_data: true }])
      expect(await ended(await curl('restore', `/backups/${id}/verify`, ...json(wish)))).toMatchObject({
        state: 'done',
      })
  })

  test('bring any bytes there and back, list page by page, count, and erase', async () => {
    const bytes = randomBytes(700_000)
    const ids = [await upload(bytes), await upload(Buffer.from('small'))]
    const out = join(stage.folder, 'content.bin')
    expect((await curl('restore', `/backups/${ids[0]}/content`, '-o', out)).status).toBe(200)
    expect((await readFile(out)).equals(bytes)).toBe(true)

    const seen: string[] = []
    for (let query = ''; ; ) {
      const { body } = await curl(
        'read',
        `/backups?project_id=shop&type=storage&state=complete&limit=1${query}`,
      )
      const items = body['items'] as { id: string }[]
      seen.push(...items.map(item => item.id))
      if (body['next_cursor'] === null) break
      query = `&cursor=${encodeURIComponent(String(body['next_cursor']))}`
    }
    expect(seen).toEqual(ids.toReversed())
    expect((await curl('read', '/stats?project_id=shop')).body).toMatchObject({ by_type: expect.anything() })

    const erased = await ended(await curl('admin', `/backups/${ids[0]}`, '-X', 'DELETE'))
    expect(erased).toMatchObject({ kind: 'erase', state: 'done' })
    expect((await curl('read', `/backups/${ids[0]}`)).body).toMatchObject({ state: 'erased' })
    const lastGood = await curl('admin', `/backups/${ids[1]}`, '-X', 'DELETE')
    expect(lastGood).toMatchObject({ status: 409, body: { code: 'LAST_BACKUP' } })
  })

  test('damage ends a verification within a minute, as INTEGRITY', async () => {
    await upload(Buffer.from('another, so that this one is not the last'))
    const id = await upload(randomBytes(300_000))
    const { body } = await curl('read', `/backups/${id}`)
    const [part] = body['parts'] as { message_id: number }[]
    stage.emulator.asHuman.deleteMessage(stage.chatId, part?.message_id ?? 0)
    const started = Date.now()
    const job = await ended(await curl('restore', `/backups/${id}/verify`, ...json({ read_data: true })))
    expect(job).toMatchObject({ state: 'failed', error: { code: 'INTEGRITY' } })
    expect(Date.now() - started).toBeLessThan(60_000)
    expect((await curl('read', `/backups/${id}`)).body['damaged_at']).not.toBe(null)
  })

  test('cancel a job, and make, change, list and remove a schedule', async () => {
    const isCancelled = Promise.withResolvers<void>()
    const unwatch = stage.emulator.watch(async ({ method, phase }) => {
      if (method === 'senddocument' && phase === 'arrived') await isCancelled.promise
    })
    const { body } = await curl('backup', '/backups', ...json({ source: 'shop' }))
    expect((await curl('backup', `/jobs/${body['job_id']}`, '-X', 'DELETE')).status).toBeLessThan(300)
    unwatch()
    isCancelled.resolve()
    const job = await ended({ status: 202, location: `/api/v1/jobs/${body['job_id']}` } as Answer)
    expect(job).toMatchObject({ state: 'cancelled' })
    expect((await curl('read', '/jobs?state=cancelled&project_id=shop')).body).toMatchObject({
      items: [expect.objectContaining({ id: body['job_id'] })],
    })

    const made = await curl(
      'admin',
      '/schedules',
      ...json({ source: 'shop', cron: '15 3 * * *', timezone: 'Europe/Berlin', keep: { daily: 7 } }),
    )
    expect(made).toMatchObject({
      status: 201,
      body: {
        source: 'shop',
        cron: '15 3 * * *',
        enabled: true,
        last_job: null,
        next_run_at: expect.any(String),
      },
    })
    const path = `/schedules/${made.body['id']}`
    expect((await curl('admin', path, '-X', 'PATCH', ...json({ enabled: false }))).body).toMatchObject({
      enabled: false,
    })
    expect((await curl('read', '/schedules')).text).toContain(String(made.body['id']))
    expect((await curl('admin', path, '-X', 'DELETE')).status).toBe(204)
    expect((await curl('admin', path, '-X', 'DELETE')).status).toBe(404)
  })

  test('hear what is wrong as a problem: key, scope, id, body, method', async () => {
    const wrong: [number, Promise<Answer>][] = [
      [401, curl('', '/backups')],
      [401, curl('tbk_nobody', '/backups')],
      [403, curl('read', '/backups', ...json({ source: 'shop' }))],
      [403, curl('backup', `/backups/${NO_SUCH_ID}/content`)],
      [403, curl('restore', `/backups/${NO_SUCH_ID}`, '-X', 'DELETE')],
      [404, curl('read', `/backups/${NO_SUCH_ID}`)],
      [404, curl('restore', `/backups/${NO_SUCH_ID}/restore`, ...json({ target: 'again' }))],
      [404, curl('backup', '/backups', ...json({ source: 'nothing' }))],
      [400, curl('backup', '/backups', ...json({ source: 1 }))],
      [400, curl('backup', '/backups', '-H', 'Content-Type: application/json', '-d', '{')],
      [400, curl('read', '/backups?limit=none')],
      [405, curl('admin', '/stats', '-X', 'PUT')],
    ]
    for (const [status, asked] of wrong) {
      const answer = await asked
      expect({ status: answer.status, type: answer.type.split(';')[0] }).toEqual({
        status,
        type: 'application/problem+json',
      })
      expect(answer.body).toMatchObject({ status, code: expect.any(String), title: expect.any(String) })
    }
  })

  test('without a key: alive, ready, the document, its page, and on the loopback address the metrics', async () => {
    expect((await curl('', '//healthz')).status).toBe(200)
    expect((await curl('', '//readyz')).status).toBe(200)
    expect((await curl('', '//openapi.json')).body).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) })
    expect((await curl('', '//docs')).type).toContain('text/html')
    // What the catalog tells is left out while it takes too long.
    await expect
      .poll(async () => (await curl('', '//metrics')).text)
      .toContain('telegram_backup_last_complete_timestamp_seconds{')
  })
})
