import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { announce, type NoticeChannel } from '@telegram-backup/database'
import { type DescribedError, describeError } from '@telegram-backup/errors'
import { CatalogCheck, type CatalogCheckOptions } from '#monitoring/catalog-check.ts'
import type { Channels } from '#monitoring/channels.ts'
import type { Condition } from '#monitoring/conditions.ts'
import { deliverNotices } from '#monitoring/deliver-notices.ts'
import { watchOutage, within } from '#monitoring/outage.ts'
import { catalogNotice } from '#monitoring/wording.ts'

/** Times are milliseconds. */
export interface WatchOptions extends CatalogCheckOptions {
  channels: Channels
  /**
   * Calls the chat. Resolves with the reason when the chat does not belong to this catalog. Throws when it
   * cannot be reached.
   */
  askChat: (signal: AbortSignal) => Promise<DescribedError | undefined>
  /** Called after each round. */
  onChat?: (isUp: boolean) => void
  /** Pause between two rounds. Default: 10 seconds. */
  everyMs?: number
  /** A shorter outage is not reported. Default: 30 seconds. */
  patienceMs?: number
  /** The pause after a failed delivery; it doubles. Default: 5 seconds. */
  retryPauseMs?: number
  /** How long the chat may take to answer. Default: 15 seconds. */
  chatLimitMs?: number
  /** How long the catalog may take to answer. Default: 20 seconds. */
  catalogLimitMs?: number
}

const DEFAULTS = { everyMs: 10_000, patienceMs: 30_000, chatLimitMs: 15_000, catalogLimitMs: 20_000 }
const STOP_TIME_LIMIT_MS = 5_000
const OWN_PROCESS = { host: hostname(), pid: process.pid }

/**
 * Looks for problems every few seconds. All processes that watch one catalog together announce each problem
 * once, and its end once. Each process announces an outage of the catalog by itself.
 */
export class Watch {
  readonly #options: WatchOptions & typeof DEFAULTS
  readonly #chat = watchOutage()
  readonly #catalog = watchOutage()
  readonly #check: CatalogCheck
  readonly #stopping = new AbortController()
  readonly #deliveries = new Map<NoticeChannel, Promise<void>>()
  /** Where the present outage of the catalog was announced. */
  readonly #announcedOn = new Set<NoticeChannel | 'log'>()
  /** The id of the notice about that outage, which has no row. */
  #outageId: string = randomUUID()
  /** By the monotonic clock. */
  #wellAt = Number.NEGATIVE_INFINITY
  #checking: Promise<Condition[]> | undefined
  #rounds: Promise<void> = Promise.resolve()

  private constructor(options: WatchOptions) {
    this.#options = { ...DEFAULTS, ...options }
    const { everyMs, chatLimitMs, catalogLimitMs, patienceMs } = this.#options
    const longestRoundMs = everyMs + chatLimitMs + catalogLimitMs
    this.#check = new CatalogCheck(options, this.#chat, { patienceMs, longestRoundMs })
  }

  static start(options: WatchOptions): Watch {
    const watch = new Watch(options)
    watch.#rounds = watch.#repeat()
    return watch
  }

  /** Whether all was well in the last round, which was not long ago. */
  isWell(): boolean {
    const { everyMs, chatLimitMs } = this.#options
    return performance.now() - this.#wellAt < 3 * everyMs + chatLimitMs
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#rounds
    await Promise.all(this.#deliveries.values())
    // Nothing may be written afterwards, but a hanging catalog must not hold up the stop for ever.
    if (this.#checking !== undefined) await within(STOP_TIME_LIMIT_MS, this.#checking).catch(() => {})
  }

  async #repeat(): Promise<void> {
    const { signal } = this.#stopping
    const { everyMs, log } = this.#options
    while (!signal.aborted) {
      await this.#round().catch((error: unknown) => log.error({ error }, 'a check for problems failed'))
      await sleep(everyMs, undefined, { signal }).catch(() => {})
    }
  }

  async #round(): Promise<void> {
    const { channels, catalogLimitMs, onChat, log } = this.#options
    const { signal } = this.#stopping
    await this.#askChat()
    onChat?.(this.#chat.trouble === null)
    try {
      // Only one check at a time: a hanging one holds a connection.
      this.#checking ??= this.#check.run().finally(() => {
        this.#checking = undefined
      })
      const found = await within(catalogLimitMs, this.#checking, signal)
      await this.#catalogAnswered()
      // When notices cannot be delivered, the heartbeat stops, so that people notice.
      const isBad = found.some(({ kind }) => kind === 'backup_overdue' || kind === 'notices_waiting')
      if (this.#chat.trouble === null && !isBad) this.#wellAt = performance.now()
    } catch (error) {
      if (signal.aborted) return
      if (this.#catalog.trouble === null) log.warn({ error }, 'the catalog cannot be reached')
      this.#catalog.goesOn(describeError(error))
      await this.#announceOutage()
    }
    for (const channel of channels.names) this.#deliver(channel)
  }

  async #askChat(): Promise<void> {
    const { askChat, chatLimitMs, log } = this.#options
    const { signal } = this.#stopping
    const chat = this.#chat
    try {
      const refusal = await askChat(AbortSignal.any([signal, AbortSignal.timeout(chatLimitMs)]))
      if (refusal === undefined) return chat.ended()
      if (!chat.trouble?.isNotOurs) log.warn({ error: refusal }, 'the chat does not belong to this catalog')
      chat.goesOn(refusal, true)
    } catch (error) {
      if (signal.aborted) return
      if (chat.trouble === null) log.warn({ error }, 'the chat cannot be reached')
      chat.goesOn(describeError(error), false)
    }
  }

  /** Also while the chat belongs to another catalog: its people must not read notices of this machine. */
  #waitsForChat(name: NoticeChannel): boolean {
    return name === 'chat' && this.#options.channels.usesVaultChat && this.#chat.trouble !== null
  }

  async #announceOutage(): Promise<void> {
    const { channels, log, patienceMs } = this.#options
    const { trouble } = this.#catalog
    if (trouble === null || trouble.forMs < patienceMs) return
    const notice = { id: this.#outageId, ...catalogNotice('alert', OWN_PROCESS, trouble, new Date()) }
    if (this.#announcedOn.size === 0) log.error({ notice }, 'something is wrong')
    this.#announcedOn.add('log')
    const open = channels.names.filter(name => !this.#announcedOn.has(name) && !this.#waitsForChat(name))
    const announceOn = async (name: NoticeChannel): Promise<void> => {
      try {
        await channels.deliver(name, notice, { signal: this.#stopping.signal })
        this.#announcedOn.add(name)
      } catch (error) {
        log.error({ channel: name, error }, 'a notice could not be delivered')
      }
    }
    await Promise.all(open.map(announceOn))
  }

  async #catalogAnswered(): Promise<void> {
    const { database, channels, log } = this.#options
    const { trouble } = this.#catalog
    if (trouble === null) return
    if (this.#announcedOn.size > 0) {
      const notice = catalogNotice('recovered', OWN_PROCESS, trouble, new Date())
      await announce(database, { channels: channels.names, notice })
      log.info({ notice }, 'it is right again')
    }
    this.#catalog.ended()
    this.#announcedOn.clear()
    this.#outageId = randomUUID()
  }

  /** Runs in the background, so that a channel that is down does not hold up the others. */
  #deliver(channel: NoticeChannel): void {
    if (this.#deliveries.has(channel) || this.#waitsForChat(channel)) return
    const { database, channels, log, retryPauseMs } = this.#options
    const on = { channels, log, signal: this.#stopping.signal, firstPauseMs: retryPauseMs }
    const delivery = deliverNotices(database, channel, on)
      .catch((error: unknown) => log.debug({ error }, 'notices wait for the catalog'))
      .finally(() => this.#deliveries.delete(channel))
    this.#deliveries.set(channel, delivery)
  }
}
