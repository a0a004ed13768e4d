import { setTimeout as sleep } from 'node:timers/promises'
import type { Caller } from '@telegram-backup/engine/access/caller.ts'
import { sees } from '@telegram-backup/engine/access/caller.ts'
import { alertView } from '@telegram-backup/engine/monitoring/alert-view.ts'
import type { CatalogEvent, EventPage } from '@telegram-backup/engine/operations/follow-events.ts'
import { backupView } from '#http/backup-view.ts'
import { Newest } from '#http/newest.ts'

/** Changes of one object within this time become one event. */
const LOOK_EVERY_MS = 1_000
/** Streams that are behind read the catalog themselves, so many of them at once. */
const READERS = 4

/** The events after one position. */
export interface FeedPage extends Omit<EventPage, 'events'> {
  /** Undefined for the page with which the feed begins. */
  from: string | undefined
  events: ShownEvent[]
}

/** One event for many streams. */
class ShownEvent {
  readonly #event: CatalogEvent
  /** By whether the key has the scope `admin`: views differ in nothing else. */
  readonly #texts = new Map<boolean, string>()

  constructor(event: CatalogEvent) {
    this.#event = event
  }

  /** The event as this key may see it; undefined when it sees nothing of it. */
  textFor(caller: Caller): string | undefined {
    if (!sees(caller, this.#event.project_id)) return undefined
    const isAdmin = caller.scopes.includes('admin')
    const text = this.#texts.get(isAdmin) ?? this.#write(caller)
    this.#texts.set(isAdmin, text)
    return text
  }

  #write(caller: Caller): string {
    const { kind, position, object } = this.#event
    const data = viewOf(this.#event, caller) ?? { id: object, removed: true }
    return `event: ${kind}\nid: ${position}\ndata: ${JSON.stringify(data)}\n\n`
  }
}

function viewOf(event: CatalogEvent, caller: Caller): object | null {
  if (event.kind === 'backup') return event.thing && backupView(caller, event.thing)
  if (event.kind === 'alert')
    return event.thing && alertView(event.thing, { showPlaces: caller.scopes.includes('admin') })
  return event.thing
}

/**
 * Follows the catalog for all streams of a process: one look a second, and none while nobody listens. A
 * stream that is where the feed is takes its pages; one that is behind reads the catalog until it is there.
 */
export class EventFeed {
  readonly #read: (after: string | undefined) => Promise<EventPage>
  readonly #waiting: (() => void)[] = []
  #reading = 0
  #listeners = 0
  #run: { pages: Newest<FeedPage>; stopping: AbortController } | undefined

  /** @param read see `followEvents` */
  constructor(read: (after: string | undefined) => Promise<EventPage>) {
    this.#read = read
  }

  /** Yields all pages after a position, without one those from now on; ends when the signal fires. */
  async *follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<FeedPage, undefined> {
    const pages = this.#join()
    try {
      // Only after its first look does the feed have every later event.
      let seen = await pages.after(0, signal)
      let page = seen && (await this.#catchUp(after, signal))
      while (seen !== undefined && page !== undefined) {
        yield page
        const position = page.through
        // What the feed has published since this stream last read belongs to the next look.
        if (!page.hasMore) seen = await pages.after(seen.count, signal)
        const isThere = !page.hasMore && seen?.value.from === position
        page = isThere ? seen?.value : await this.#catchUp(position, signal)
      }
    } finally {
      this.#leave()
    }
  }

  /** Resolves at the next change, or when the signal fires; only while somebody follows. */
  async changed(signal: AbortSignal): Promise<void> {
    const pages = this.#run?.pages
    if (pages !== undefined) await pages.after(pages.count, signal)
  }

  #join(): Newest<FeedPage> {
    this.#listeners++
    if (this.#run === undefined) {
      this.#run = { pages: new Newest(), stopping: new AbortController() }
      void this.#publish(this.#run.pages, this.#run.stopping.signal)
    }
    return this.#run.pages
  }

  #leave(): void {
    if (--this.#listeners > 0) return
    this.#run?.stopping.abort()
    this.#run = undefined
  }

  async #publish(pages: Newest<FeedPage>, signal: AbortSignal): Promise<void> {
    let from: string | undefined
    while (!signal.aborted) {
      const page = await this.#readOrWait(from, signal)
      if (page === undefined) return
      if (from === undefined || page.isReset || page.events.length > 0) pages.publish(page)
      from = page.through
      if (!page.hasMore) await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  async #catchUp(after: string | undefined, signal: AbortSignal): Promise<FeedPage | undefined> {
    while (this.#reading >= READERS) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#reading++
    try {
      return await this.#readOrWait(after, signal)
    } finally {
      this.#reading--
      this.#waiting.shift()?.()
    }
  }

  /** While the catalog does not answer, streams only notice a pause. Undefined when the signal fires. */
  async #readOrWait(from: string | undefined, signal: AbortSignal): Promise<FeedPage | undefined> {
    while (!signal.aborted) {
      try {
        const { events, ...page } = await this.#read(from)
        return { ...page, from, events: events.map(event => new ShownEvent(event)) }
      } catch {
        await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {})
      }
    }
    return undefined
  }
}
