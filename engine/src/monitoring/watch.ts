import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  announce,
  type Database,
  giveUpNotices,
  type NoticeChannel,
  noteConditions,
} from '@telegram-backup/database'
import { type DescribedError, describeError } from '@telegram-backup/errors'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import type { Logger } from '#logging.ts'
import type { Channels } from '#monitoring/channels.ts'
import { type Condition, type FileFault, findConditions, type WatchRules } from '#monitoring/conditions.ts'
import { deliverNotices, GIVE_UP_AFTER_MS } from '#monitoring/deliver-notices.ts'
import { watchOutage, watchRecoveries, within } from '#monitoring/outage.ts'
import {
  alertDetails,
  conditionOfAlert,
  explain,
  gatherFacts,
  type IntervalOf,
} from '#monitoring/watch-facts.ts'
import { alertNotice, catalogNotice, recoveryNotice } from '#monitoring/wording.ts'

/** What a watch works with. Times are milliseconds. */
export interface WatchOptions {
  database: Database
  channels: Channels
  rules: Omit<WatchRules, 'patienceMs'>
  intervalOf: IntervalOf
  /** Asks the chat for anything; throws when it cannot be reached. Resolves with why the chat is not this catalog's, when it is not. */
  askChat: (signal: AbortSignal) => Promise<DescribedError | undefined>
  log: Logger
  /** What is wrong with the files of this machine as they stand now. */
  fileFaults?: () => readonly Omit<FileFault, 'host'>[]
  /** Hears after each look whether the chat answered. */
  onChat?: (isUp: boolean) => void
  /** Pause between two looks. */
  everyMs?: number
  /** An outage that is shorter is none. */
  patienceMs?: number
  /** The pause after a notice could not be told; it doubles. */
  retryPauseMs?: number
  /** How often at most more of what was told is told. */
  newsEveryMs?: number
  /** How long the chat may take to answer. */
  chatLimitMs?: number
  /** And how long the catalog may. */
  catalogLimitMs?: number
}

/** A watch that runs. */
export interface Watch {
  /** Whether all is well by the last look, and that was not long ago. */
  isWell(): boolean
  stop(): Promise<void>
}

const whoAmI = { host: hostname(), pid: process.pid }

const STOP_TIME_LIMIT_MS = 5_000

function faultsOf({ fileFaults }: Pick<WatchOptions, 'fileFaults'>): FileFault[] {
  return (fileFaults?.() ?? []).map(fault => ({ ...fault, host: whoAmI.host }))
}

/**
 * Looks every few seconds what is wrong, and sees to it that it is told once, over all processes that watch one catalog, and once
 * more when it is right again. While the catalog is away this process tells so by itself.
 */
export function startWatch(options: WatchOptions): Watch {
  const { database, channels, log, everyMs = 10_000, patienceMs = 30_000 } = options
  const { chatLimitMs = 15_000, catalogLimitMs = 20_000 } = options
  /** Between two looks of a process that has to wait for all there is to wait for. */
  const longestRoundMs = everyMs + chatLimitMs + catalogLimitMs
  const quietForMs = 2 * longestRoundMs
  const stopping = new AbortController()
  const { signal } = stopping
  const watchedSince = Date.now()
  const chat = watchOutage()
  const catalog = watchOutage()
  const right = watchRecoveries()
  const catalogTold = new Set<string>()
  /** Of the notice that the catalog is away, which no row can keep. */
  let catalogTellingId: string = randomUUID()
  let wellAt = Number.NEGATIVE_INFINITY
  // By a clock that nobody sets: one that is put back must not make what is long ago look recent.
  /** When the catalog was last looked at, and since when that was never long ago. */
  const looked = { at: Number.NEGATIVE_INFINITY, since: Number.NEGATIVE_INFINITY }
  let gathering: Promise<unknown> | undefined
  const delivering = new Map<NoticeChannel, Promise<void>>()

  const lookAtCatalog = async (): Promise<Condition[]> => {
    const facts = await gatherFacts(database, options.intervalOf)
    // Those of a channel that nobody has any more wait for nobody.
    const notices = facts.notices.filter(({ channel }) => channels.names.includes(channel))
    const conditions = findConditions(
      {
        ...facts,
        notices,
        now: Date.now(),
        watchedSince,
        chatTrouble: chat.trouble,
        fileFaults: faultsOf(options),
      },
      { ...options.rules, patienceMs },
    )
    const found: Condition[] = []
    // One after the other: on the day on which all fail the connections are wanted by others.
    for (const condition of conditions) {
      const explained = await explain(database, condition)
      if (explained !== null) found.push(explained)
    }
    const lookedAt = performance.now()
    right.look(found, facts.openAlerts)
    if (lookedAt - looked.at > longestRoundMs) looked.since = lookedAt
    looked.at = lookedAt
    const { raised, resolved } = await noteConditions(database, {
      found: found.map(one => ({
        key: one.key,
        kind: one.kind,
        details: alertDetails(one),
        notice: alertNotice(one, new Date()),
        newest: one.newestAt && { at: one.newestAt, notice: alertNotice(one, new Date(), true) },
      })),
      newsEveryMs: options.newsEveryMs,
      // Another process may find it still. When all begin, or the catalog comes back, each has its time to say so first.
      kinds: lookedAt - looked.since < quietForMs ? [] : CONDITION_KINDS,
      quietForMs,
      channels: channels.names,
      recovery: (alert, now) =>
        recoveryNotice(conditionOfAlert(alert.kind, alert.details), {
          ...{ noticed: alert.since, until: right.since(alert, now), at: now },
        }),
    })
    // Later than whoever could tell them would.
    const givenUp = await giveUpNotices(database, { olderThanMs: GIVE_UP_AFTER_MS + 3_600_000 })
    if (givenUp > 0) log.error({ notices: givenUp }, 'notices were given up: no service has their channel')
    for (const { kind, notice } of raised) log.error({ alert: kind, notice }, 'something is wrong')
    for (const { alert, notice } of resolved) log.info({ alert: alert.kind, notice }, 'it is right again')
    return found
  }

  const lookAtChat = async (): Promise<void> => {
    await options.askChat(AbortSignal.any([signal, AbortSignal.timeout(chatLimitMs)])).then(
      refusal => {
        if (refusal === undefined) return chat.ended()
        if (!chat.trouble?.isNotOurs) log.warn({ error: refusal }, 'the chat is not for this catalog to use')
        chat.goesOn(refusal, true)
      },
      (error: unknown) => {
        if (signal.aborted) return
        if (chat.trouble === null) log.warn({ error }, 'the chat cannot be reached')
        chat.goesOn(describeError(error), false)
      },
    )
  }

  /** Also while the chat belongs to somebody else, who is not to be told of this machine's affairs. */
  const waitsForChat = (name: NoticeChannel): boolean =>
    name === 'chat' && channels.usesVaultChat && chat.trouble !== null

  const tellOfCatalog = async (): Promise<void> => {
    if (catalog.trouble === null || catalog.trouble.forMs < patienceMs) return
    const notice = { id: catalogTellingId, ...catalogNotice('alert', whoAmI, catalog.trouble, new Date()) }
    if (catalogTold.size === 0) log.error({ notice }, 'something is wrong')
    catalogTold.add('log')
    await Promise.all(
      channels.names
        .filter(name => !catalogTold.has(name) && !waitsForChat(name))
        .map(name =>
          channels.tell(name, notice, { signal }).then(
            () => catalogTold.add(name),
            (error: unknown) => log.error({ channel: name, error }, 'a notice could not be told'),
          ),
        ),
    )
  }

  const catalogIsBack = async (): Promise<void> => {
    if (catalog.trouble === null) return
    if (catalogTold.size > 0) {
      const notice = catalogNotice('recovered', whoAmI, catalog.trouble, new Date())
      await announce(database, { channels: channels.names, notice })
      log.info({ notice }, 'it is right again')
    }
    catalog.ended()
    catalogTold.clear()
    catalogTellingId = randomUUID()
  }

  const look = async (): Promise<void> => {
    await lookAtChat()
    options.onChat?.(chat.trouble === null)
    try {
      // One that hangs is not joined by another: each would hold a connection.
      gathering ??= lookAtCatalog().finally(() => {
        gathering = undefined
      })
      const found = (await within(catalogLimitMs, gathering, signal)) as Condition[]
      await catalogIsBack()
      // Where nobody can be told, whoever hears the heartbeat is to notice.
      const isBad = found.some(({ kind }) => kind === 'backup_overdue' || kind === 'notices_waiting')
      if (chat.trouble === null && !isBad) wellAt = performance.now()
    } catch (error) {
      if (signal.aborted) return
      if (catalog.trouble === null) log.warn({ error }, 'the catalog cannot be reached')
      catalog.goesOn(describeError(error))
      await tellOfCatalog()
    }
    for (const channel of channels.names) deliver(channel)
  }

  /** Each channel by itself: one that is down, or told to wait, does not hold up the other. */
  const deliver = (channel: NoticeChannel): void => {
    if (delivering.has(channel)) return
    if (waitsForChat(channel)) return
    const on = { channels, log, signal, firstPauseMs: options.retryPauseMs }
    const delivery = deliverNotices(database, channel, on)
      .catch((error: unknown) => log.debug({ error }, 'notices wait for the catalog'))
      .finally(() => delivering.delete(channel))
    delivering.set(channel, delivery)
  }

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => log.error({ error }, 'a look at what is wrong failed'))
      await sleep(everyMs, undefined, { signal }).catch(() => {})
    }
  }
  const looping = loop()

  return {
    isWell: () => performance.now() - wellAt < 3 * everyMs + chatLimitMs,
    stop: async () => {
      stopping.abort()
      await looping
      await Promise.all(delivering.values())
      // Nothing is to be written afterwards; a catalog that hangs is not waited for for ever.
      if (gathering !== undefined) await within(STOP_TIME_LIMIT_MS, gathering).catch(() => {})
    },
  }
}
