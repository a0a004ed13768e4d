import { basePath } from '#api/client.ts'
import { isLiveEvent, isLiveState, type LiveEvent, LiveSource, type LiveState } from '#live/event-source.ts'

/** What is told of the stream. */
interface Follower {
  event(event: LiveEvent): void
  state(state: LiveState): void
}

type Message = { event: LiveEvent } | { state: LiveState } | { asks: true }

/** So often a tab that is seen asks whether the one with the stream is still there. */
const ASK_EVERY_MS = 10_000
/** After so many unanswered questions it takes the stream over. */
const MOST_UNANSWERED = 2

/**
 * One stream for all tabs of this browser: with HTTP/1.1 a browser has six connections to a server, and each
 * tab would keep one. The tab that holds the lock has the stream and passes on what comes; when it is closed,
 * the next tab gets the lock. Without locks (a page that is neither on https nor on localhost), a tab has a
 * stream while it is visible.
 * @returns ends it
 */
export function followEvents(on: Follower): () => void {
  if (!('locks' in navigator)) return followWhileVisible(on)
  const shared = new SharedStream(on)
  return () => shared.leave()
}

class SharedStream {
  readonly #on: Follower
  // Another page of this host, below another path, is of another service.
  readonly #name = `telegram-backup events ${basePath()}`
  readonly #channel = new BroadcastChannel(this.#name)
  readonly #timer = setInterval(() => this.#ask(), ASK_EVERY_MS)
  #source: LiveSource | undefined
  #state: LiveState = 'connecting'
  #unanswered = 0
  /** Gives up the place in the queue for the lock. */
  #waiting = new AbortController()
  /** Gives the lock back. */
  #release: () => void = () => {}
  #hasLeft = false

  constructor(on: Follower) {
    this.#on = on
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => this.#hear(data)
    on.state(this.#state)
    this.#post({ asks: true })
    this.#request()
  }

  leave(): void {
    this.#hasLeft = true
    clearInterval(this.#timer)
    this.#waiting.abort()
    this.#end()
    this.#channel.close()
  }

  #hear(message: unknown): void {
    this.#unanswered = 0
    // Another tab may be of another version of the page.
    if (typeof message !== 'object' || message === null) return
    if ('asks' in message && this.#source !== undefined) this.#post({ state: this.#state })
    if ('event' in message && isLiveEvent(message.event)) this.#on.event(message.event)
    if ('state' in message && isLiveState(message.state)) this.#on.state(message.state)
  }

  /** Waits for the lock, or takes it from a tab that does not answer. */
  #request(steal = false): void {
    this.#waiting.abort()
    const waiting = new AbortController()
    this.#waiting = waiting
    // A lock cannot be taken and waited for at once.
    const options = steal ? { steal } : { signal: waiting.signal }
    navigator.locks
      .request(this.#name, options, () => this.#lead())
      .catch((error: unknown) => {
        if (waiting.signal.aborted) return
        // Another tab has taken the lock.
        this.#end()
        if (error instanceof DOMException && error.name === 'AbortError') this.#request()
      })
  }

  /** The tab with the stream may have been frozen by the browser, and would keep the lock for ever. */
  #ask(): void {
    if (this.#source !== undefined || document.visibilityState !== 'visible') return
    if (this.#unanswered >= MOST_UNANSWERED) this.#request(true)
    this.#unanswered = (this.#unanswered + 1) % (MOST_UNANSWERED + 1)
    this.#post({ asks: true })
  }

  async #lead(): Promise<void> {
    if (this.#hasLeft) return
    this.#source = new LiveSource({
      event: event => {
        this.#on.event(event)
        this.#post({ event })
      },
      state: next => {
        this.#state = next
        this.#on.state(next)
        this.#post({ state: next })
      },
    })
    await new Promise<void>(resolve => {
      this.#release = resolve
    })
  }

  #end(): void {
    this.#source?.close()
    this.#source = undefined
    this.#release()
  }

  #post(message: Message): void {
    if (!this.#hasLeft) this.#channel.postMessage(message)
  }
}

function followWhileVisible(on: Follower): () => void {
  let source: LiveSource | undefined
  const look = (): void => {
    const isVisible = document.visibilityState === 'visible'
    if (isVisible && source === undefined) {
      source = new LiveSource(on)
    } else if (!isVisible) {
      source?.close()
      source = undefined
    }
  }
  document.addEventListener('visibilitychange', look)
  look()
  return () => {
    document.removeEventListener('visibilitychange', look)
    source?.close()
  }
}
