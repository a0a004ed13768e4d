import { hostname } from 'node:os'
import { type Database, type DeclaredSource, giveUpNotices, noteConditions } from '@telegram-backup/database'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import type { Logger } from '#logging.ts'
import type { Channels } from '#monitoring/channels.ts'
import { type Condition, type FileFault, findConditions, type WatchRules } from '#monitoring/conditions.ts'
import { allDeclared, type DeclaredRules, declaredRules } from '#monitoring/declared-places.ts'
import { GIVE_UP_AFTER_MS } from '#monitoring/deliver-notices.ts'
import { type Outage, watchRecoveries } from '#monitoring/outage.ts'
import {
  alertDetails,
  conditionOfAlert,
  explained,
  gatherFacts,
  type IntervalOf,
} from '#monitoring/watch-facts.ts'
import { alertNotice, recoveryNotice } from '#monitoring/wording.ts'

/** Times are milliseconds. */
export interface CatalogCheckOptions {
  database: Database
  channels: Pick<Channels, 'names'>
  rules: Omit<WatchRules, 'patienceMs' | keyof DeclaredRules> & {
    /** What the file of this process names. */
    declared: readonly DeclaredSource[]
  }
  intervalOf: IntervalOf
  log: Logger
  /** Faults of files on this machine. Default: none. */
  fileFaults?: () => readonly Omit<FileFault, 'host'>[]
  /** The shortest time between two notices about one growing alert. Default: 10 minutes. */
  newsEveryMs?: number
}

/** Compares the catalog with the rules, and records alerts and their ends there. */
export class CatalogCheck {
  readonly #options: CatalogCheckOptions
  readonly #chat: Pick<Outage, 'trouble'>
  readonly #limits: { patienceMs: number; longestRoundMs: number }
  readonly #watchedSince = Date.now()
  readonly #recoveries = watchRecoveries()
  // Both by the monotonic clock, because the other one may be set back.
  #lastAt = Number.NEGATIVE_INFINITY
  /** Since when there was no long gap between two checks. */
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

  /** All conditions that hold now. Throws what the catalog throws. */
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
      // Another process may still see the condition. After a start or an outage of the catalog, every process
      // gets time to record that before alerts end.
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
    // An hour after a service with that channel would have given up.
    const givenUp = await giveUpNotices(database, { olderThanMs: GIVE_UP_AFTER_MS + 3_600_000 })
    if (givenUp > 0) log.error({ notices: givenUp }, 'notices were dropped: no service has their channel')
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
      {
        ...rules,
        ...declaredRules(allDeclared(facts.services, rules.declared)),
        patienceMs: this.#limits.patienceMs,
      },
    )
    const found = await explained(database, conditions)
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
