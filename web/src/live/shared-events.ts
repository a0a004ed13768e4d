import { basePath } from '#api/client.ts'
import { type LiveEvent, LiveSource, type LiveState } from '#live/event-source.ts'

type Message = { event: LiveEvent } | { state: LiveState } | { asks: true }

/**
 * One stream for all tabs of this browser: with HTTP/1.1 a browser has six connections to a server, and each
 * tab would keep one. The tab that holds the lock has the stream and passes on what comes; when it is closed,
 * the next tab gets the lock. Without locks (a page that is neither on https nor on localhost), a tab has a
 * stream while it is visible.
 * @returns ends it
 */
export function followEvents(on: {
  event(event: LiveEvent): void
  state(state: LiveState): void
}): () => void {
  return 'locks' in navigator ? followShared(on) : followWhileVisible(on)
}

function followShared(on: { event(event: LiveEvent): void; state(state: LiveState): void }): () => void {
  // Below another path of the same host there may be the page of another catalog.
  const name = `telegram-backup events ${basePath()}`
  const channel = new BroadcastChannel(name)
  const leaving = new AbortController()
  let source: LiveSource | undefined
  let state: LiveState = 'connecting'
  const post = (message: Message): void => channel.postMessage(message)
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if ('event' in data) on.event(data.event)
    else if ('state' in data) on.state(data.state)
    else if (source !== undefined) post({ state })
  }
  on.state(state)
  post({ asks: true })
  navigator.locks
    .request(name, { signal: leaving.signal }, async () => {
      source = new LiveSource({
        event: event => {
          on.event(event)
          post({ event })
        },
        state: next => {
          state = next
          on.state(next)
          post({ state })
        },
      })
      await new Promise<void>(resolve =>
        leaving.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
    })
    .catch(() => {
      // The tab was closed before its turn.
    })
  return () => {
    leaving.abort()
    source?.close()
    channel.close()
  }
}

function followWhileVisible(on: {
  event(event: LiveEvent): void
  state(state: LiveState): void
}): () => void {
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
