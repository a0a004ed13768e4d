import type { TestService } from '#test/http/http-service.ts'

/** The fields that tests read; each kind of event has some of them. */
interface EventData {
  id: string
  project_id: string
  state: string
  removed: boolean
  progress: { bytes_done: number }
  running: { id: string }[]
  source: { n: number }
}

export interface ReceivedEvent {
  event: string
  id: string | undefined
  data: EventData
}

/** A client of `GET /events`, as a browser's EventSource would be. */
export class EventClient {
  readonly events: ReceivedEvent[] = []
  /** Where it is; undefined before the first id. */
  lastEventId: string | undefined
  readonly #leaving = new AbortController()
  #reading: Promise<void> = Promise.resolve()
  #onEvent: () => void = () => {}

  static async open(
    service: Pick<TestService, 'ask'>,
    { key, lastEventId }: { key: string; lastEventId?: string | undefined },
  ): Promise<EventClient> {
    const client = new EventClient()
    client.lastEventId = lastEventId
    const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
    const answer = await service.ask('/events', { key, headers, signal: client.#leaving.signal })
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
    client.#reading = client.#read(answer.body as ReadableStream<Uint8Array>)
    // Its place is known with the first id.
    await client.until(() => client.lastEventId !== undefined)
    return client
  }

  /** Resolves when the condition holds; it is checked after each block. The limit is for what hangs. */
  async until(holds: () => boolean): Promise<void> {
    const deadline = performance.now() + 200_000
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`still not: ${JSON.stringify(this.events.slice(-3))}`)
      await new Promise<void>(resolve => {
        this.#onEvent = resolve
        setTimeout(resolve, 200)
      })
    }
  }

  /** Everything but overviews, which also come when time alone has passed. */
  get changes(): ReceivedEvent[] {
    return this.events.filter(({ event }) => event !== 'overview')
  }

  of(event: string): ReceivedEvent['data'][] {
    return this.events.filter(received => received.event === event).map(({ data }) => data)
  }

  async leave(): Promise<void> {
    this.#leaving.abort()
    await this.#reading
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = ''
    try {
      for await (const piece of body.pipeThrough(new TextDecoderStream())) {
        text += piece
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) this.#take(block)
        this.#onEvent()
      }
    } catch {
      // It left, or the connection broke.
    }
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string]))
    this.lastEventId = fields.get('id') ?? this.lastEventId
    const data = fields.get('data')
    if (data === undefined) return
    this.events.push({
      event: fields.get('event') ?? 'message',
      id: fields.get('id'),
      data: JSON.parse(data),
    })
  }
}
