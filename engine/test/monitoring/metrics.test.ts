import { createBucket, createJob, createSchedule, type Database } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#environment.ts'
import { createLogger } from '#logging.ts'
import { createMetrics } from '#monitoring/metrics.ts'

let database: Database & { discard(): Promise<void> }
const log = createLogger({ level: 'silent' })
const intervalOf = (): number => 3_600_000
const own = () => ({ config: readConfig({ TELEGRAM_BACKUP_HOME: '/nowhere' }), configFile: undefined })
/** A machine may do nothing for some seconds. */
const PATIENT = { timeLimitMs: 100_000, cacheForMs: 100_000 }

beforeAll(async () => {
  database = await openTestCatalog()
  await sql`insert into control_plane.projects (id) values ('shop')`.execute(database.kysely)
  await sql`
    insert into control_plane.backups (project_id, type, source_name, state, size, archive_size, part_count, file_id,
           chat_id, created_at, completed_at, verified_at)
    values ('shop', 'database', 'db', 'complete', 1000, 300, 2, 'f', '-100123', timestamptz '2026-11-01T00:00:00Z',
            timestamptz '2026-11-01T00:00:07Z', timestamptz '2026-11-02T00:00:00Z'),
           ('shop', 'storage', null, 'complete', 5, 6, 1, 'f', '-100123', timestamptz '2026-11-03T00:00:00Z',
            timestamptz '2026-11-03T00:00:01Z', null)
  `.execute(database.kysely)
  await sql`
    insert into control_plane.verifications (backup_id, kind, state, actor, finished_at)
    select id, 'drill', 'sound', 'a', timestamptz '2026-11-04T00:00:00Z' from control_plane.backups where source_name = 'db'
  `.execute(database.kysely)
  const schedule = { source: 'db', projectId: 'shop', type: 'database' as const, cron: '0 * * * *' }
  await createSchedule(database, {
    ...schedule,
    timezone: 'UTC',
    nextRunAt: new Date('2026-11-01T01:00:00Z'),
  })
  await createJob(database, { kind: 'backup', projectId: 'shop', source: 'db' }, async () => {})
})
afterAll(() => database.discard())

/** The lines of a metric, without the name. */
async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const { text } = await metrics.render()
  return text
    .split('\n')
    .filter(
      line => line.startsWith(`telegram_backup_${name}{`) || line.startsWith(`telegram_backup_${name} `),
    )
    .map(line => line.slice(`telegram_backup_${name}`.length))
}

const DB = '{project="shop",type="database",source="db"}'
const BY_HAND = '{project="shop",type="storage",source=""}'

describe('the metrics', () => {
  test('hold no number that is none, nor one beyond all measure, however often they are asked for', async () => {
    const metrics = createMetrics(PATIENT)
    metrics.readFrom({ database, intervalOf, own, log })
    for (let count = 0; count < 3; count++) {
      const { text } = await metrics.render()
      const numbers = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
      expect(numbers.length).toBeGreaterThan(40)
      for (const line of numbers) expect(Number(line.split(' ').at(-1)), line).not.toBeNaN()
      // Times are seconds since 1970; no process measured anything longer than that in itself.
      const own = numbers.filter(line => /^nodejs_.*_seconds[ {]/.test(line))
      for (const line of own) expect(Number(line.split(' ').at(-1)), line).toBeLessThan(1e9)
    }
  })

  test('tell of each source what the catalog knows, in seconds and bytes', async () => {
    const metrics = createMetrics(PATIENT)
    metrics.readFrom({ database, intervalOf, own, log })
    const made = Date.parse('2026-11-01T00:00:00Z') / 1000
    expect(await linesOf(metrics, 'last_complete_timestamp_seconds')).toEqual([
      `${DB} ${made}`,
      `${BY_HAND} ${made + 2 * 86_400}`,
    ])
    expect(await linesOf(metrics, 'last_verified_timestamp_seconds')).toEqual([`${DB} ${made + 86_400}`])
    expect(await linesOf(metrics, 'last_drill_timestamp_seconds')).toEqual([`${DB} ${made + 3 * 86_400}`])
    expect(await linesOf(metrics, 'last_complete_size_bytes')).toContain(`${DB} 1000`)
    expect(await linesOf(metrics, 'last_complete_archive_size_bytes')).toContain(`${DB} 300`)
    expect(await linesOf(metrics, 'last_complete_duration_seconds')).toContain(`${DB} 7`)
    expect(await linesOf(metrics, 'last_complete_parts')).toContain(`${DB} 2`)
    expect(await linesOf(metrics, 'schedule_interval_seconds')).toEqual([`${DB} 3600`])
    expect(await linesOf(metrics, 'schedule_next_run_timestamp_seconds')).toEqual([`${DB} ${made + 3600}`])
    expect(await linesOf(metrics, 'last_good_timestamp_seconds')).toEqual([
      `${DB} ${made}`,
      `${BY_HAND} ${made + 2 * 86_400}`,
    ])
    // It should be made anew every hour.
    expect(await linesOf(metrics, 'source_state')).toEqual([`${DB} 2`, `${BY_HAND} 0`])
    expect(await linesOf(metrics, 'queue_depth')).toContain('{kind="backup"} 1')
    expect(await linesOf(metrics, 'jobs')).toHaveLength(30)
    expect(await linesOf(metrics, 'catalog_up')).toEqual([' 1'])
    expect((await metrics.render()).text).not.toContain('100123')
  })

  test('name the sources of the file as it is now, and schedules that are switched off', async () => {
    const metrics = createMetrics({ ...PATIENT, cacheForMs: 0 })
    metrics.readFrom({ database, intervalOf, own, log })
    let names = ['db', 'never-run']
    metrics.showDeclared(() => names)
    expect(await linesOf(metrics, 'declared_source')).toEqual(['{source="db"} 1', '{source="never-run"} 1'])
    names = ['db']
    expect(await linesOf(metrics, 'declared_source')).toEqual(['{source="db"} 1'])
    expect(await linesOf(metrics, 'schedules_disabled')).toEqual([])
    const enable = (enabled: boolean) => database.kysely.updateTable('schedules').set({ enabled }).execute()
    await enable(false)
    expect(await linesOf(metrics, 'schedules_disabled')).toEqual([`${DB} 1`])
    expect(await linesOf(metrics, 'schedule_interval_seconds')).toEqual([])
    await enable(true)
  })

  test('count what this process does, and let no client choose a label', async () => {
    const metrics = createMetrics()
    metrics.observeRequest({ method: 'GET', route: '/api/v1/backups', status: 200, seconds: 0.01 })
    metrics.observeRequest({ method: 'BREW"\n', route: 'unknown', status: 405, seconds: 0.01 })
    metrics.transfers.onWait?.({ reason: 'flood', seconds: 12.5 })
    metrics.transfers.onTransfer?.('up', 500)
    metrics.observeJob({ kind: 'backup', state: 'done', seconds: 3 })
    metrics.noteChat(false)
    expect(await linesOf(metrics, 'http_requests_total')).toEqual([
      '{method="GET",route="/api/v1/backups",status="200"} 1',
      '{method="other",route="unknown",status="405"} 1',
    ])
    expect(await linesOf(metrics, 'telegram_waits_total')).toContain('{reason="flood"} 1')
    expect(await linesOf(metrics, 'telegram_wait_seconds_total')).toContain('{reason="flood"} 12.5')
    expect(await linesOf(metrics, 'telegram_bytes_total')).toEqual([
      '{direction="up"} 500',
      '{direction="down"} 0',
    ])
    expect(await linesOf(metrics, 'job_duration_seconds_count')).toEqual(['{kind="backup",state="done"} 1'])
    expect(await linesOf(metrics, 'chat_up')).toEqual([' 0'])
    expect(await linesOf(metrics, 'catalog_up')).toEqual([' 0'])
  })

  test('read the catalog once for many who ask at once, and not again at once', async () => {
    let reads = 0
    const counting = new Proxy(database, {
      get: (target, name) => {
        if (name === 'kysely') reads++
        return Reflect.get(target, name)
      },
    })
    const metrics = createMetrics(PATIENT)
    metrics.readFrom({ database: counting, intervalOf, own, log })
    await Promise.all(Array.from({ length: 50 }, () => metrics.render()))
    const once = reads
    await metrics.render()
    expect(reads).toBe(once)
    expect(once).toBeLessThan(15)
  })

  test('come also while the catalog fails or hangs, with what was last known of it', async () => {
    let state: 'well' | 'fails' | 'hangs' = 'well'
    const shaky = new Proxy(database, {
      get: (target, name) => {
        if (name !== 'kysely' || state === 'well') return Reflect.get(target, name)
        if (state === 'fails') throw new Error('gone')
        return hangs
      },
    })
    const metrics = createMetrics({ cacheForMs: 0, timeLimitMs: 100 })
    metrics.readFrom({ database: shaky, intervalOf, own, log })
    // The first one may take longer on a busy machine.
    await expect.poll(() => linesOf(metrics, 'catalog_up')).toEqual([' 1'])
    for (const trouble of ['fails', 'hangs'] as const) {
      state = trouble
      expect(await linesOf(metrics, 'catalog_up')).toEqual([' 0'])
      expect(await linesOf(metrics, 'last_complete_timestamp_seconds')).toHaveLength(2)
    }
  })
})

/** Whatever is asked of it, nothing comes back. */
const hangs: Database['kysely'] = new Proxy({}, { get: () => () => hangs }) as Database['kysely']

describe('the metrics of buckets', () => {
  test('say the limits of each, and whether something is wrong; of a bucket without a limit they say none', async () => {
    const made = new Date('2026-11-01T00:00:00Z')
    const limited = { maxBytes: 1_000, snapshotLimitHours: 26 }
    await createBucket(database, { name: 'laptop', kind: 'restic', projectId: 'shop', ...limited })
    await createBucket(database, { name: 'endless', kind: 'restic', projectId: 'shop' })
    await sql`
      update control_plane.object_buckets set created_at = ${made}, last_snapshot_at = ${made}, live_bytes = 950,
             live_objects = 2 where name = 'laptop'
    `.execute(database.kysely)
    const metrics = createMetrics(PATIENT)
    metrics.readFrom({ database, intervalOf, own, log })
    const of = (name: string): string => `{project="shop",bucket="${name}"}`
    for (const [name, lines] of [
      ['bucket_state', [`${of('endless')} 0`, `${of('laptop')} 1`]],
      ['bucket_bytes', [`${of('endless')} 0`, `${of('laptop')} 950`]],
      ['bucket_max_bytes', [`${of('laptop')} 1000`]],
      ['bucket_snapshot_limit_seconds', [`${of('laptop')} 93600`]],
      ['bucket_last_snapshot_timestamp_seconds', [`${of('laptop')} ${made.getTime() / 1000}`]],
      ['bucket_damaged', [`${of('endless')} 0`, `${of('laptop')} 0`]],
      ['bucket_unread_since_timestamp_seconds', []],
    ] as const)
      expect((await linesOf(metrics, name)).toSorted(), name).toEqual(lines)
    await plantDamagedPack('endless')
    const later = createMetrics(PATIENT)
    later.readFrom({ database, intervalOf, own, log })
    expect(await linesOf(later, 'bucket_damaged')).toContain(`${of('endless')} 1`)
    expect(await linesOf(later, 'bucket_damaged')).toContain(`${of('laptop')} 0`)
  })

  test('say since when packs were not read, and which the second chat lacks', async () => {
    const { id } = await createBucket(database, { name: 'copied', kind: 'restic', projectId: 'shop' })
    const of = '{project="shop",bucket="copied"}'
    const at = (hour: number): Date => new Date(Date.UTC(2026, 10, 1, hour))
    await plantSentPack(id, { sequence: 1, sentAt: at(1), verifiedAt: at(9), chats: ['-1', '-2'] })
    await plantSentPack(id, { sequence: 2, sentAt: at(2), verifiedAt: null, chats: ['-1', '-2'] })
    await plantSentPack(id, { sequence: 3, sentAt: at(3), verifiedAt: null, chats: ['-1'] })
    const read = async (replica: string | undefined) => {
      const metrics = createMetrics(PATIENT)
      const config = readConfig({
        TELEGRAM_BACKUP_HOME: '/nowhere',
        ...(replica !== undefined && { TELEGRAM_REPLICA_CHAT_ID: replica }),
      })
      metrics.readFrom({ database, intervalOf, own: () => ({ config, configFile: undefined }), log })
      const unread = await linesOf(metrics, 'bucket_unread_since_timestamp_seconds')
      return [unread, await linesOf(metrics, 'bucket_uncopied_since_timestamp_seconds')]
    }
    const seconds = (hour: number): number => at(hour).getTime() / 1000
    const unread = [`${of} ${seconds(2)}`]
    expect(await read('-2')).toEqual([unread, [`${of} ${seconds(3)}`]])
    expect(await read('-3')).toEqual([unread, [`${of} ${seconds(1)}`]])
    expect(await read('-1')).toEqual([unread, []])
    expect(await read(undefined)).toEqual([unread, []])
    // Only Telegram knows its number.
    expect(await read('@second')).toEqual([unread, []])
  })
})

/** A pack whose bytes no chat has any more. */
async function plantDamagedPack(bucket: string): Promise<void> {
  await sql`
    insert into control_plane.packs (id, bucket_id, sequence, state, writer, file_name, plain_size, size, sha256,
           encrypted, has_records, damaged_at, sent_at)
    select gen_random_uuid(), id, 1, 'sent', gen_random_uuid(), 'f', 1, 1, repeat('0', 64), true, false,
           clock_timestamp(), clock_timestamp()
      from control_plane.object_buckets where name = ${bucket}
  `.execute(database.kysely)
}

/** A pack that tells of something, and is in these chats. */
async function plantSentPack(
  bucketId: string,
  of: { sequence: number; sentAt: Date; verifiedAt: Date | null; chats: readonly string[] },
): Promise<void> {
  await sql`
    with pack as (
      insert into control_plane.packs (id, bucket_id, sequence, state, writer, file_name, plain_size, size, sha256,
             encrypted, has_records, verified_at, sent_at)
      values (gen_random_uuid(), ${bucketId}, ${of.sequence}, 'sent', gen_random_uuid(), 'f', 1, 1, repeat('0', 64),
              true, true, ${of.verifiedAt}, ${of.sentAt})
      returning id)
    insert into control_plane.pack_messages (pack_id, chat_id, state, message_id)
    select pack.id, chat, 'sent', ${of.sequence} from pack, unnest(${[...of.chats]}::text[]) chat
  `.execute(database.kysely)
}
