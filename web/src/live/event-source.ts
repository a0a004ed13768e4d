import { urlOf } from '#api/client.ts'

/** The kinds of events of `GET /events`. */
const EVENT_KINDS = ['backup', 'job', 'schedule', 'alert', 'overview', 'reset'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** An object as its route gives it; `{ id, removed: true }` when it is gone. */
export interface LiveEvent {
  kind: EventKind
  data: unknown
}

const LIVE_STATES = ['connecting', 'live', 'interrupted'] as const
export type LiveState = (typeof LIVE_STATES)[number]

export function isLiveState(value: unknown): value is LiveState {
  return LIVE_STATES.some(state => state === value)
}

export function isLiveEvent(value: unknown): value is LiveEvent {
  if (typeof value !== 'object' || value === null || !('data' in value) || !('kind' in value)) return false
  return EVENT_KINDS.some(kind => kind === value.kind)
}

/** Waits between attempts when the server has ended the stream. */
const PAUSES_MS = [1_000, 2_000, 5_000, 10_000]

/** Follows the one stream of events until `close`. It continues where it was after each interruption. */
export class LiveSource {
  readonly #on: { event(event: LiveEvent): void; state(state: LiveState): void }
  #source: EventSource | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0

  constructor(on: { event(event: LiveEvent): void; state(state: LiveState): void }) {
    this.#on = on
    this.#open()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#source?.close()
  }

  #open(): void {
    this.#on.state(this.#failures === 0 ? 'connecting' : 'interrupted')
    const source = new EventSource(urlOf('api/v1/events'))
    this.#source = source
    let isNew = true
    source.onopen = () => {
      // What changed before this stream began is unknown. The browser's own retry is no new stream: it sends
      // Last-Event-ID.
      if (isNew) this.#on.event({ kind: 'reset', data: {} })
      isNew = false
      this.#failures = 0
      this.#on.state('live')
    }
    for (const kind of EVENT_KINDS) {
      source.addEventListener(kind, ({ data }: MessageEvent<string>) => this.#on.event(eventOf(kind, data)))
    }
    source.onerror = () => {
      this.#on.state('interrupted')
      // While it is "connecting", the browser tries again by itself.
      if (source.readyState !== EventSource.CLOSED) return
      const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)]
      this.#failures += 1
      this.#timer = setTimeout(() => this.#open(), pause)
    }
  }
}

/** Text that cannot be read says that something has changed, and nothing else. */
function eventOf(kind: EventKind, text: string): LiveEvent {
  try {
    return { kind, data: JSON.parse(text) as unknown }
  } catch {
    return { kind: 'reset', data: {} }
  }
}
