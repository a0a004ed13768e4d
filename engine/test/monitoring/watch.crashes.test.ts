import {
  announce,
  claimNotice,
  createJob,
  createSchedule,
  type Database,
  noteConditions,
} from '@telegram-backup/database'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openChannels } from '#monitoring/channels.ts'
import { EVERY_MS, NO_OUTAGES, ROUND_MS, SHORT_LIMITS, watchBench } from '#test/monitoring/watch-bench.ts'
import { brokenWhile, recordBackup } from '#test/monitoring/watched-catalog.ts'

const bench = watchBench()
const { watch, chatTexts, hooked, allTold } = bench
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('a watch', () => {
  test('tells a failure once over two processes, by both ways, and the recovery once', async () => {
    await recordBackup(bench.database, 'shop-db', 1000, true)
    watch(NO_OUTAGES)
    watch(NO_OUTAGES)
    await expect.poll(hooked).toEqual(['alert backup_failed'])
    await expect.poll(() => chatTexts().length).toBe(1)
    await pause(5 * EVERY_MS)
    await recordBackup(bench.database, 'shop-db', 1000)
    await expect.poll(hooked).toEqual(['alert backup_failed', 'recovered backup_failed'])
    await expect.poll(() => chatTexts().length).toBe(2)
    await pause(5 * EVERY_MS)
    expect(hooked()).toHaveLength(2)
    expect(chatTexts()).toEqual([
      '⚠ The backup of "shop-db" (project shop, database) failed: pg_dump: @\u2060admin said no (SOURCE)',
      expect.stringMatching(
        /^✓ The backup of "shop-db" \(project shop, database\) is no longer failing, after \d+(\.\d)? s$/,
      ),
    ])
    expect(bench.lines.filter(({ alert }) => alert === 'backup_failed').map(({ level }) => level)).toEqual([
      'error',
      'info',
    ])
  })

  test('says nothing of a backup that somebody cancelled', async () => {
    await recordBackup(bench.database, 'shop-db', 1000)
    await recordBackup(bench.database, 'other-db', 1000, true)
    const { job } = await createJob(
      bench.database,
      { kind: 'backup', projectId: 'shop', source: 'shop-db' },
      async () => {},
    )
    await sql`
      insert into control_plane.backups (project_id, type, source_name, state, size, file_id, error)
      values ('shop', 'database', 'shop-db', 'failed', 0, '', 'Cancelled')
    `.execute(bench.database.kysely)
    await sql`
      update control_plane.jobs set state = 'cancelled', started_at = clock_timestamp() - interval '1 minute',
             finished_at = clock_timestamp() where id = ${job.id}
    `.execute(bench.database.kysely)
    watch()
    await expect.poll(hooked).toEqual(['alert backup_failed'])
    await pause(3 * EVERY_MS)
    expect(bench.listener.notices().map(({ text }) => text)).toEqual([expect.stringContaining('"other-db"')])
  })

  test('tells of a chat that is away by the webhook at once, and to the chat when it is back, in order', async () => {
    const all = [watch(SHORT_LIMITS), watch(SHORT_LIMITS)]
    await expect.poll(() => all.every(one => one.isWell())).toBe(true)
    bench.isCut = true
    await expect.poll(hooked).toEqual(['alert chat_unreachable'])
    await pause(1000)
    expect(hooked()).toHaveLength(1)
    expect(chatTexts()).toEqual([])
    bench.isCut = false
    await expect.poll(() => chatTexts().length).toBe(2)
    expect(chatTexts()[0]).toMatch(/^⚠ The chat cannot be reached since 20.*Z: cut\. Nothing can be/)
    expect(chatTexts()[1]).toMatch(/^✓ The chat can be reached again, after /)
    await pause(5 * EVERY_MS)
    expect(hooked()).toEqual(['alert chat_unreachable', 'recovered chat_unreachable'])
    expect(chatTexts()).toHaveLength(2)
  })

  test('says how long the chat was away, and not how long it took to be certain that it is back', async () => {
    const quietForMs = 2 * ROUND_MS
    let lastWrong = 0
    const askChat = async (): Promise<undefined> => {
      if (!bench.isCut) return undefined
      lastWrong = Date.now()
      throw new Error('cut')
    }
    watch({ ...SHORT_LIMITS, askChat })
    // This one can use it all the time.
    watch({ ...SHORT_LIMITS, askChat: async () => undefined })
    const began = Date.now()
    bench.isCut = true
    await expect.poll(hooked).toEqual(['alert chat_unreachable'])
    await pause(1000)
    bench.isCut = false
    await expect.poll(hooked).toEqual(['alert chat_unreachable', 'recovered chat_unreachable'])
    const notice = bench.listener.notices()[1]
    const time = (of: string): number => Date.parse(String(notice?.details[of]))
    expect(time('since')).toBeGreaterThanOrEqual(began)
    expect(time('until')).toBeGreaterThan(lastWrong - 50)
    expect(Date.parse(notice?.at ?? '') - time('until')).toBeGreaterThan(quietForMs / 2)
    expect(notice?.details['lasted_seconds']).toBe(Math.round((time('until') - time('since')) / 1000))
  })

  /**
   * The webhook has answered, and that is written down: whoever stops before that leaves it to be told again.
   */
  const hookTold = async (): Promise<void> => {
    const { kysely } = bench.database
    const waiting = () => kysely.selectFrom('notices').select('id').where('channel', '=', 'webhook').execute()
    await expect.poll(waiting).toEqual([])
  }

  test('that begins while the chat is away tells of no recovery', async () => {
    bench.isCut = true
    const first = watch(SHORT_LIMITS)
    await expect.poll(hooked).toEqual(['alert chat_unreachable'])
    await hookTold()
    await first.stop()
    await sql`update control_plane.alerts set seen_at = seen_at - interval '1 hour'`.execute(
      bench.database.kysely,
    )
    watch({ ...SHORT_LIMITS, patienceMs: 60_000 })
    await pause(2.5 * ROUND_MS)
    expect(hooked()).toEqual(['alert chat_unreachable'])
  })

  test('that finds nothing wrong leaves those that find it the time to say so, after none could', async () => {
    bench.isCut = true
    const first = watch(SHORT_LIMITS)
    await expect.poll(hooked).toEqual(['alert chat_unreachable'])
    await hookTold()
    await first.stop()
    await sql`update control_plane.alerts set seen_at = seen_at - interval '1 hour'`.execute(
      bench.database.kysely,
    )
    watch({ ...SHORT_LIMITS, askChat: async () => {} })
    await pause(0.5 * ROUND_MS)
    watch(SHORT_LIMITS)
    await pause(2 * ROUND_MS)
    expect(hooked()).toEqual(['alert chat_unreachable'])
  })

  test('that has to wait for a chat which hangs tells of it once, and of no recovery', async () => {
    const hang = (signal: AbortSignal) =>
      new Promise<undefined>((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('no answer')), { once: true }),
      )
    watch({ ...SHORT_LIMITS, askChat: hang })
    watch({ ...SHORT_LIMITS, askChat: async () => {} })
    await expect.poll(hooked).toEqual(['alert chat_unreachable'])
    await pause(2.5 * ROUND_MS)
    expect(hooked()).toEqual(['alert chat_unreachable'])
  })

  test('does not lose a notice while the webhook is down, and does not hold up the chat by it', async () => {
    bench.listener.answerWith(503)
    await recordBackup(bench.database, 'shop-db', 1000, true)
    watch()
    await expect.poll(() => chatTexts().length).toBe(1)
    await expect.poll(() => bench.listener.heard.length).toBeGreaterThan(1)
    bench.listener.answerWith(204)
    bench.listener.heard.length = 0
    await expect.poll(hooked).toEqual(['alert backup_failed'])
    await pause(5 * EVERY_MS)
    expect(bench.listener.heard).toHaveLength(1)
  })

  test('what a process found and was about to tell when it died is told by another', async () => {
    await recordBackup(bench.database, 'shop-db', 1000, true)
    const key = 'backup_failed:shop/database/shop-db'
    const notice = { event: 'alert', kind: 'backup_failed', text: 'found by the dead one' }
    await noteConditions(bench.database, {
      found: [{ key, kind: 'backup_failed', details: {}, notice }],
      kinds: [],
      quietForMs: 0,
      channels: ['chat', 'webhook'],
      recovery: () => ({}),
    })
    const died = await claimNotice(bench.database, { channels: ['webhook'], claimForMs: 500 })
    expect(died).toMatchObject({ alert_key: key })
    watch()
    await expect.poll(chatTexts).toEqual(['found by the dead one'])
    await expect.poll(hooked).toEqual(['alert backup_failed'])
    await pause(5 * EVERY_MS)
    expect(hooked()).toHaveLength(1)
    expect(chatTexts()).toHaveLength(1)
  })

  test('is not well while a source is overdue, and says so', async () => {
    const one = watch()
    await expect.poll(() => one.isWell()).toBe(true)
    const schedule = { source: 'shop-db', projectId: 'shop', type: 'database' as const }
    await createSchedule(bench.database, { ...schedule, cron: '0 * * * *', timezone: 'UTC', nextRunAt: null })
    await sql`update control_plane.schedules set created_at = now() - interval '9 hours'`.execute(
      bench.database.kysely,
    )
    await expect.poll(hooked).toEqual(['alert backup_overdue'])
    await allTold()
    await one.stop()
    const late = watch()
    await pause(5 * EVERY_MS)
    expect(late.isWell()).toBe(false)
  })

  test('tells of something that is not wrong by the way that it was meant for alone', async () => {
    watch()
    const notice = { event: 'notice', kind: 'retention', text: '3 backups will be erased' }
    await announce(bench.database, { channels: ['webhook'], notice })
    await expect.poll(hooked).toEqual(['notice retention'])
    expect(chatTexts()).toEqual([])
  })

  test('tells by itself that the catalog is away, and again when it is back', async () => {
    const broken = {
      ...bench.database,
      kysely: new Proxy(bench.database.kysely, { get: brokenWhile(() => bench.isCut) }) as Database['kysely'],
    }
    watch({
      database: broken,
      askChat: async () => {},
      channels: openChannels(
        { chat: null, webhook: new URL(bench.listener.url), leftOut: { chat: [], webhook: [] } },
        { texts: undefined, vaultChatId: undefined },
      ),
    })
    await pause(3 * EVERY_MS)
    bench.isCut = true
    await expect.poll(hooked).toEqual(['alert catalog_unreachable'])
    expect(bench.listener.notices()[0]?.text).toMatch(
      new RegExp(`\\(process ${process.pid}\\) since 20.*Z: The connection to the catalog was lost\\. `),
    )
    expect(bench.listener.notices()[0]?.id).toMatch(/^[0-9a-f-]{36}$/)
    await pause(5 * EVERY_MS)
    bench.isCut = false
    const both = ['alert catalog_unreachable', 'recovered catalog_unreachable']
    await expect.poll(hooked).toEqual(both)
  })
})
