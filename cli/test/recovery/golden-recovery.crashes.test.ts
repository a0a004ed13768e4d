import { createHash } from 'node:crypto'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'
import { GOLDEN_STATES, type Golden, openGolden } from '#test/recovery/golden-state.ts'

// docs/recovery.md, "What comes back, and what does not", row by row: an empty machine with the chats of an
// earlier release.

/** Their messages are gone, or were never all there. */
const NOT_IN_THE_CHAT = ['erased', 'failed', 'unfinished']
/** Of a backup: what the index and its manifest hold. */
const COMES_BACK = [
  ...['id', 'project_id', 'type', 'state', 'size', 'created_at', 'expires_at', 'filename', 'encrypted'],
  ...[
    'archive_size',
    'plain_sha256',
    'archive_sha256',
    'part_count',
    'signer',
    'source',
    'source_name',
    'verified_at',
  ],
]

type Said = Record<string, unknown>

describe.each(GOLDEN_STATES)('an empty machine at the chats of schema %s', name => {
  let golden: Golden
  let recovered: CliRun
  beforeAll(async () => {
    golden = await openGolden(name)
    recovered = await callCli(['recover', '--json'], { env: golden.env })
  })
  afterAll(() => golden?.close())

  async function ask(...args: string[]): Promise<unknown> {
    const run = await callCli([...args, '--json'], { env: golden.env })
    expect(run.code, run.stderr).toBe(0)
    return run.json()
  }

  test('gets every backup that is whole, with its facts, parts and pin', async () => {
    expect(recovered.code, recovered.stderr).toBe(0)
    const { ids, said } = golden.facts
    for (const [what, id] of Object.entries(ids)) {
      if (NOT_IN_THE_CHAT.includes(what)) continue
      const then = said[`show ${what}`] as Said
      const now = (await ask('show', id)) as Said
      expect(pick(now, COMES_BACK), what).toEqual(pick(then, COMES_BACK))
      expect(now['pinned_at'] === null, what).toBe(then['pinned_at'] === null)
      const placesOf = (backup: Said): unknown[] =>
        (backup['parts'] as Said[]).map(part =>
          pick(part, ['chat_id', 'part_no', 'message_id', 'size', 'sha256']),
        )
      expect(placesOf(now), what).toEqual(placesOf(then))
    }
  })

  test('fetches them, byte for byte', async () => {
    const { ids, sha256 } = golden.facts
    for (const [what, hash] of Object.entries(sha256)) {
      const { code, stdout, stderr } = await callCli(['fetch', ids[what] ?? '', '--out', '-'], {
        env: golden.env,
      })
      expect(code, stderr).toBe(0)
      expect(createHash('sha256').update(Buffer.from(stdout, 'latin1')).digest('hex'), what).toBe(hash)
    }
  })

  test('gets schedules and policies back', async () => {
    const { said } = golden.facts
    const planOf = (schedule: Said): Said =>
      pick(schedule, [
        'source',
        'cron',
        'timezone',
        'enabled',
        'keep',
        'jitter',
        'catch_up',
        'project_id',
        'type',
      ])
    const schedules = (await ask('schedule', 'list')) as Said[]
    const expected = (said['schedule list'] as Said[]).map(planOf)
    expect(new Set(schedules.map(planOf))).toEqual(new Set(expected))
    expect(await ask('retention', 'list')).toMatchObject(said['retention list'] as object)
  })

  test('knows what a killed send left, and nothing of what was erased or taken back', async () => {
    const { ids } = golden.facts
    expect(await ask('show', ids['unfinished'] ?? '')).toMatchObject({ state: 'failed' })
    for (const what of ['erased', 'failed'])
      expect(await callCli(['show', ids[what] ?? ''], { env: golden.env }), what).toMatchObject({ code: 4 })
  })

  test('has neither API keys nor jobs, and of restores, verifications and history only how often they were', async () => {
    expect(await ask('apikey', 'list')).toEqual([])
    expect(await ask('jobs')).toEqual([])
    const then = golden.facts.said['show plain database'] as { history: Said[]; verifications: Said[] }
    expect(then.history.length).toBeGreaterThan(3)
    expect(then.verifications.length).toBeGreaterThan(0)
    const now = await ask('show', golden.facts.ids['plain database'] ?? '')
    expect(now).toMatchObject({ verifications: [] })
    const { history } = now as { history: { event: string; details: { history?: Said[] } }[] }
    expect(new Set(history.map(({ event }) => event))).toEqual(new Set(['recovered']))
    const counts = history.flatMap(({ details }) => details.history ?? [])
    for (const event of ['complete', 'restored', 'verified'])
      expect(counts).toContainEqual({ event, count: expect.any(Number), at: expect.any(String) })
    expect(counts.find(({ event }) => event === 'verified')).toMatchObject({
      count: then.verifications.length,
    })
  })

  test('is told that keys are to be made anew', () => {
    expect(recovered.stderr).toContain('telegram-backup apikey create')
  })
})

function pick(of: Said, names: readonly string[]): Said {
  return Object.fromEntries(names.map(name => [name, of[name]]))
}
