import { setTimeout as sleep } from 'node:timers/promises'
import type { Overviews, OverviewViewer } from '@telegram-backup/engine/operations/overview.ts'
import { Newest } from '#http/newest.ts'

/** Between two events with the overview. */
const SHORTEST_PAUSE_MS = 2_000
/** Without a change of the catalog: time alone makes a source overdue. */
const LONGEST_PAUSE_MS = 15_000

interface Watched {
  texts: Newest<string>
  stopping: AbortController
  listeners: number
}

/** Tells streams of each change of their overview; those who see the same share one look. */
export class OverviewFeed {
  readonly #overviews: Overviews
  readonly #changed: (signal: AbortSignal) => Promise<void>
  readonly #watched = new Map<string, Watched>()

  /** @param changed resolves at the next change of the catalog, or when the signal fires */
  constructor(overviews: Overviews, changed: (signal: AbortSignal) => Promise<void>) {
    this.#overviews = overviews
    this.#changed = changed
  }

  /** Yields the present overview as an event, and then each that differs from it. */
  async *follow(viewer: OverviewViewer, signal: AbortSignal): AsyncGenerator<string, undefined> {
    const key = JSON.stringify([viewer.projectId ?? null, viewer.isAdmin])
    const watched = this.#watched.get(key) ?? this.#watch(key, viewer)
    watched.listeners++
    try {
      for (let newest = await watched.texts.after(0, signal); newest !== undefined; ) {
        yield newest.value
        newest = await watched.texts.after(newest.count, signal)
      }
    } finally {
      if (--watched.listeners === 0) {
        this.#watched.delete(key)
        watched.stopping.abort()
      }
    }
  }

  #watch(key: string, viewer: OverviewViewer): Watched {
    const watched = { texts: new Newest<string>(), stopping: new AbortController(), listeners: 0 }
    this.#watched.set(key, watched)
    void this.#publish(viewer, watched.texts, watched.stopping.signal)
    return watched
  }

  async #publish(viewer: OverviewViewer, texts: Newest<string>, signal: AbortSignal): Promise<void> {
    let shown: string | undefined
    while (!signal.aborted) {
      const next = this.#nextChange(signal)
      // While the catalog does not answer, streams only notice a pause.
      const overview = await this.#overviews(viewer).catch(() => undefined)
      if (overview !== undefined) {
        const { as_of: _, ...facts } = overview
        const text = JSON.stringify(facts)
        if (text !== shown) texts.publish(`event: overview\ndata: ${JSON.stringify(overview)}\n\n`)
        shown = text
      }
      await sleep(SHORTEST_PAUSE_MS, undefined, { signal, ref: false }).catch(() => {})
      await next
    }
  }

  /** Resolves at a change of the catalog, and without one after the longest pause. */
  async #nextChange(until: AbortSignal): Promise<void> {
    const waiting = AbortSignal.any([until, AbortSignal.timeout(LONGEST_PAUSE_MS)])
    await this.#changed(waiting)
  }
}
