import { hostname } from 'node:os'
import { type Database, giveUpNotices, noteConditions } from '@telegram-backup/database'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import type { Logger } from '#logging.ts'
import type { Channels } from '#monitoring/channels.ts'
import { type Condition, type FileFault, findConditions, type WatchRules } from '#monitoring/conditions.ts'
import { GIVE_UP_AFTER_MS } from '#monitoring/deliver-notices.ts'
import { type Outage, watchRecoveries } from '#monitoring/outage.ts'
import {
  alertDetails,
  conditionOfAlert,
  explain,
  gatherFacts,
  type IntervalOf,
} from '#monitoring/watch-facts.ts'
import { alertNotice, recoveryNotice } from '#monitoring/wording.ts'

/** Times are milliseconds. */
export interface CatalogCheckOptions {
  database: Database
  channels: Pick<Channels, 'names'>
  rules: Omit<WatchRules, 'patienceMs'>
  intervalOf: IntervalOf
  log: Logger
  /** What is wrong now with the files of this machine. Default: nothing. */
  fileFaults?: () => readonly Omit<FileFault, 'host'>[]
  /** The shortest time between two announcements about one alert that grows. Default: 10 minutes. */
  newsEveryMs?: number
}

/** Compares the catalog with the rules, and records there what is wrong and what is right again. */
export class CatalogCheck {
  readonly #options: CatalogCheckOptions
  readonly #chat: Pick<Outage, 'trouble'>
  readonly #limits: { patienceMs: number; longestRoundMs: number }
  readonly #watchedSince = Date.now()
  readonly #recoveries = watchRecoveries()
  // Both by the monotonic clock: somebody may set the other one back.
  #lastAt = Number.NEGATIVE_INFINITY
  /** When the present run of checks began that has no long gap. */
  #steadySince = Number.NEGATIVE_INFINITY

  constructor(
    options: CatalogCheckOptions,
    chat: Pick<Outage, 'trouble'>,
    limits: { patienceMs: number; longestRoundMs: number },
  ) {
    this.#options = options
    this.#chat = chat
    this.#limits = limits
  }

  /** All that is wrong now. Throws what the catalog throws. */
  async run(): Promise<Condition[]> {
    const { database, channels, log, newsEveryMs } = this.#options
    const { found, openAlerts } = await this.#find()
    const now = performance.now()
    this.#recoveries.look(found, openAlerts)
    if (now - this.#lastAt > this.#limits.longestRoundMs) this.#steadySince = now
    this.#lastAt = now
    const quietForMs = 2 * this.#limits.longestRoundMs
    const { raised, resolved } = await noteConditions(database, {
      found: found.map(noted),
      newsEveryMs,
      // Another process may still find it wrong. After a start, or an outage of the catalog, each process has
      // the time to record that before any alert ends.
      kinds: now - this.#steadySince < quietForMs ? [] : CONDITION_KINDS,
      quietForMs,
      channels: channels.names,
      recovery: (alert, at) =>
        recoveryNotice(conditionOfAlert(alert.kind, alert.details), {
          noticed: alert.since,
          until: this.#recoveries.since(alert, at),
          at,
        }),
    })
    // An hour after the last time at which a service that has the channel would give up itself.
    const givenUp = await giveUpNotices(database, { olderThanMs: GIVE_UP_AFTER_MS + 3_600_000 })
    if (givenUp > 0) log.error({ notices: givenUp }, 'notices were given up: no service has their channel')
    for (const { kind, notice } of raised) log.error({ alert: kind, notice }, 'something is wrong')
    for (const { alert, notice } of resolved) log.info({ alert: alert.kind, notice }, 'it is right again')
    return found
  }

  async #find(): Promise<{ found: Condition[]; openAlerts: ReadonlySet<string> }> {
    const { database, channels, rules, intervalOf, fileFaults } = this.#options
    const facts = await gatherFacts(database, intervalOf)
    const conditions = findConditions(
      {
        ...facts,
        // A notice for a channel that is no longer configured is not late.
        notices: facts.notices.filter(({ channel }) => channels.names.includes(channel)),
        now: Date.now(),
        watchedSince: this.#watchedSince,
        chatTrouble: this.#chat.trouble,
        fileFaults: (fileFaults?.() ?? []).map(fault => ({ ...fault, host: hostname() })),
      },
      { ...rules, patienceMs: this.#limits.patienceMs },
    )
    const found: Condition[] = []
    // One after the other: on the day on which all sources fail, others need the connections.
    for (const condition of conditions) {
      const explained = await explain(database, condition)
      if (explained !== null) found.push(explained)
    }
    return { found, openAlerts: facts.openAlerts }
  }
}

function noted(condition: Condition): Parameters<typeof noteConditions>[1]['found'][number] {
  const { key, kind, newestAt } = condition
  return {
    key,
    kind,
    details: alertDetails(condition),
    notice: alertNotice(condition, new Date()),
    newest: newestAt && { at: newestAt, notice: alertNotice(condition, new Date(), true) },
  }
}
