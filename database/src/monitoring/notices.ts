import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { JsonObject } from '#jobs/types.backup.ts'
import type { Alert, Notice, NoticeChannel } from '#monitoring/types.alert.ts'

export interface FoundCondition {
  key: string
  kind: string
  details: JsonObject
  notice: JsonObject
  /** For a condition that may grow while its alert is open: its newest event and the notice for it. */
  newest?: { at: Date; notice: JsonObject } | undefined
}

/** The shortest time between two notices of a condition that grows. */
const NEWS_EVERY_MS = 10 * 60_000

/**
 * Records all conditions that a process finds wrong now, and queues a notice for each channel. When several
 * processes find the same, one gets it in its answer:
 * - `raised`: a condition that is new or has news. News is sent at most every `newsEveryMs`, by default 10
 *   minutes.
 * - `resolved`: an alert of `kinds` that no process has found wrong for `quietForMs`. It ends.
 *
 * An alert that is muted raises nothing; what is still wrong after the mute is raised then. Its end is
 * announced, unless it never was.
 */
export async function noteConditions(
  database: Database,
  options: {
    found: readonly FoundCondition[]
    kinds: readonly string[]
    quietForMs: number
    channels: readonly NoticeChannel[]
    newsEveryMs?: number | undefined
    /** The notice for an alert that has ended, by the database's clock. */
    recovery: (alert: Alert, now: Date) => JsonObject
  },
): Promise<{ raised: FoundCondition[]; resolved: { alert: Alert; notice: JsonObject }[] }> {
  // In one order: otherwise two processes could wait for each other's rows.
  const found = [...options.found].sort((a, b) => (a.key < b.key ? -1 : 1))
  return await inTransaction(database.kysely, async trx => {
    const raised: FoundCondition[] = []
    for (const condition of found) {
      const notice = await holdAlert(trx, condition, options.newsEveryMs ?? NEWS_EVERY_MS)
      if (notice === undefined) continue
      raised.push({ ...condition, notice })
      await queueNotice(trx, options.channels, notice, condition.key)
    }
    if (options.kinds.length === 0) return { raised, resolved: [] }
    const quietSince = sql<Date>`clock_timestamp() - ${options.quietForMs} * interval '1 millisecond'`
    const ended = await trx
      .deleteFrom('alerts')
      .where('key', 'in', query =>
        query
          .selectFrom('alerts')
          .select('key')
          .where('kind', 'in', options.kinds)
          .where('seen_at', '<', quietSince)
          .orderBy('key')
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .returning(sql<Date>`clock_timestamp()`.as('now'))
      .execute()
    const resolved: { alert: Alert; notice: JsonObject }[] = []
    for (const { now, ...row } of ended.sort((a, b) => a.since.getTime() - b.since.getTime())) {
      const { newest_at: _, raised_at: __, announced, ...alert } = row
      await trx
        .insertInto('ended_alerts')
        .values({ ...alert, details: JSON.stringify(alert.details) })
        .execute()
      if (!announced) continue
      const notice = options.recovery(alert, now)
      resolved.push({ alert, notice })
      await queueNotice(trx, options.channels, notice, alert.key)
    }
    return { raised, resolved }
  })
}

/** The notice to send now; undefined when there is no news. */
async function holdAlert(
  trx: Transaction<CatalogSchema>,
  condition: FoundCondition,
  newsEveryMs: number,
): Promise<JsonObject | undefined> {
  const { key, kind, newest } = condition
  const details = JSON.stringify(condition.details)
  const { isNew, isMuted, announced } = await trx
    .insertInto('alerts')
    .columns(['key', 'kind', 'details', 'newest_at', 'muted_until', 'muted_by', 'announced'])
    .expression(
      // A mute outlasts an alert that ends and comes back.
      sql`select ${key}, ${kind}, ${details}::jsonb, ${newest?.at ?? null}::timestamptz,
                 earlier.muted_until, earlier.muted_by, earlier.muted_until is null
            from (values (null)) one
            left join lateral (
              select muted_until, muted_by from control_plane.ended_alerts
               where key = ${key} and muted_until > clock_timestamp() order by ended_at desc limit 1) earlier on true`,
    )
    .onConflict(conflict => conflict.column('key').doUpdateSet({ seen_at: sql<Date>`clock_timestamp()` }))
    .returning([
      'announced',
      sql<boolean>`xmax = 0`.as('isNew'),
      sql<boolean>`coalesce(muted_until > clock_timestamp(), false)`.as('isMuted'),
    ])
    .executeTakeFirstOrThrow()
  if (isMuted) return undefined
  if (isNew) return condition.notice
  // It was raised during a mute that is over.
  if (!announced) {
    await trx.updateTable('alerts').set({ announced: true }).where('key', '=', key).execute()
    return condition.notice
  }
  if (newest === undefined) return undefined
  // The row is locked by now: of several processes that find the same news, one sees it as news.
  const { numUpdatedRows } = await trx
    .updateTable('alerts')
    .set({ newest_at: newest.at, raised_at: sql<Date>`clock_timestamp()`, details })
    .where('key', '=', key)
    .where(sql<boolean>`newest_at is null or newest_at < ${newest.at}`)
    .where(sql<boolean>`raised_at <= clock_timestamp() - ${newsEveryMs} * interval '1 millisecond'`)
    .executeTakeFirst()
  return numUpdatedRows > 0n ? newest.notice : undefined
}

async function queueNotice(
  trx: Transaction<CatalogSchema>,
  channels: readonly NoticeChannel[],
  notice: JsonObject,
  alertKey: string | null,
): Promise<number[]> {
  if (channels.length === 0) return []
  const text = JSON.stringify(notice)
  const queued = await trx
    .insertInto('notices')
    .values(channels.map(channel => ({ channel, alert_key: alertKey, notice: text })))
    .returning('id')
    .execute()
  return queued.map(({ id }) => id)
}

/** Queues a notice without an alert; returns the ids, one for each channel. */
export async function announce(
  database: Database,
  of: { channels: readonly NoticeChannel[]; notice: JsonObject },
): Promise<number[]> {
  return await inTransaction(database.kysely, trx => queueNotice(trx, of.channels, of.notice, null))
}

/** After so many refusals, a notice no longer holds up later ones. */
const PATIENCE_IN_ORDER = 3

/** No notice waits that long: a later time was written before the clock was put back. */
const NOTHING_WAITS_FOR = sql`interval '1 hour'`

function isAhead(time: 'next_try_at' | 'claimed_until'): RawBuilder<boolean> {
  return sql`(${sql.ref(time)} > clock_timestamp() and ${sql.ref(time)} < clock_timestamp() + ${NOTHING_WAITS_FOR})`
}

/**
 * Claims the oldest due notice of these channels, for `claimForMs`. If the caller dies, another one gets it
 * afterwards. Null when there is none. Each channel gets its notices in order, except those that it has
 * refused several times.
 */
export async function claimNotice(
  database: Database,
  of: { channels: readonly NoticeChannel[]; claimForMs: number },
): Promise<Notice | null> {
  if (of.channels.length === 0) return null
  const { rows } = await sql<Notice>`
    with next as (
      select id, claimed_until from control_plane.notices due
       where channel = any(${of.channels}) and not ${isAhead('next_try_at')}
         and (claimed_until is null or not ${isAhead('claimed_until')})
         and not exists (
           select from control_plane.notices earlier
            where earlier.channel = due.channel and earlier.id < due.id and earlier.refusals < ${PATIENCE_IN_ORDER})
       order by id limit 1 for update skip locked)
    update control_plane.notices as claimed
       set claimed_until = clock_timestamp() + ${of.claimForMs} * interval '1 millisecond', tries = tries + 1
      from next where claimed.id = next.id
    returning claimed.id, channel, alert_key, notice, delivery_id, tries, created_at,
              next.claimed_until is not null as may_be_told
  `.execute(database.kysely)
  return rows[0] ?? null
}

/** Removes a notice that was sent or given up. */
export async function closeNotice(
  database: Database,
  of: Pick<Notice, 'id' | 'alert_key'> & { wasTold: boolean },
): Promise<void> {
  await inTransaction(database.kysely, async trx => {
    await trx.deleteFrom('notices').where('id', '=', of.id).execute()
    // An erase waits for some time after its notice was sent. A notice that was not sent is queued again
    // first.
    if (of.wasTold) {
      await trx
        .updateTable('retention_notices')
        .set({ told_at: sql<Date>`clock_timestamp()` })
        .where('notice_id', '=', of.id)
        .execute()
    } else await trx.deleteFrom('retention_notices').where('notice_id', '=', of.id).execute()
    if (!of.wasTold || of.alert_key === null) return
    await trx
      .updateTable('alerts')
      .set({ told_at: sql<Date>`clock_timestamp()` })
      .where('key', '=', of.alert_key)
      .where('told_at', 'is', null)
      .execute()
  })
}

/**
 * Drops notices that have waited too long; otherwise those of a removed channel would stay for ever. A notice
 * that must precede an erase is queued again. Returns their number.
 */
export async function giveUpNotices(database: Database, of: { olderThanMs: number }): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with given_up as (
      delete from control_plane.notices
       where created_at < clock_timestamp() - ${of.olderThanMs} * interval '1 millisecond' returning id),
    forgotten as (
      delete from control_plane.retention_notices using given_up where notice_id = given_up.id)
    select count(*)::integer as count from given_up
  `.execute(database.kysely)
  return rows[0]?.count ?? 0
}

/**
 * The notice could not be sent; the next try is after `afterMs`. `isRefused`: the channel refused it.
 * `mayBeTold`: it may have been sent after all.
 */
export async function postponeNotice(
  database: Database,
  of: { id: number; afterMs: number; isRefused: boolean; mayBeTold?: boolean },
): Promise<void> {
  await database.kysely
    .updateTable('notices')
    .set({
      // An expired claim says so, as it does for a process that died.
      claimed_until: of.mayBeTold ? sql<Date>`clock_timestamp() - interval '1 second'` : null,
      next_try_at: sql<Date>`clock_timestamp() + ${of.afterMs} * interval '1 millisecond'`,
      ...(of.isRefused && { refusals: sql<number>`refusals + 1` }),
    })
    .where('id', '=', of.id)
    .execute()
}
