import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { LiveEvent, LiveState } from '#live/event-source.ts'
import { followEvents } from '#live/shared-events.ts'

/** In the place of the browser's: one stream, which the test feeds. */
class Stream extends EventTarget {
  static readonly CLOSED = 2
  static open: Stream[] = []
  readonly readyState = 1
  onopen: () => void = () => {}
  onerror: () => void = () => {}
  readonly url: string

  constructor(url: string) {
    super()
    this.url = url
    Stream.open.push(this)
    queueMicrotask(() => this.onopen())
  }

  send(kind: string, data: string): void {
    this.dispatchEvent(new MessageEvent(kind, { data }))
  }

  close(): void {
    Stream.open = Stream.open.filter(one => one !== this)
  }
}

interface Tab {
  events: LiveEvent[]
  states: LiveState[]
  leave(): void
}

const tabs: Tab[] = []

function openTab(at = '/'): Tab {
  vi.stubGlobal('document', { baseURI: `http://host.example${at}`, visibilityState: 'visible' })
  const events: LiveEvent[] = []
  const states: LiveState[] = []
  const tab = {
    events,
    states,
    leave: followEvents({ event: event => events.push(event), state: state => states.push(state) }),
  }
  tabs.push(tab)
  return tab
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  vi.stubGlobal('EventSource', Stream)
})

afterEach(() => {
  for (const tab of tabs.splice(0)) tab.leave()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const isOpen = (count: number) => vi.waitFor(() => expect(Stream.open).toHaveLength(count))

it('ten tabs have one stream, and the next one goes on with it when its tab is closed', async () => {
  const [first, ...others] = Array.from({ length: 10 }, () => openTab())
  await isOpen(1)
  Stream.open[0]?.send('job', '{"id":"1"}')
  for (const tab of others)
    await vi.waitFor(() => expect(tab.events).toContainEqual({ kind: 'job', data: { id: '1' } }))
  const [before] = Stream.open
  first?.leave()
  await vi.waitFor(() => expect(Stream.open[0]).not.toBe(before))
  await isOpen(1)
})

it('pages of two services below one host know nothing of each other', async () => {
  const one = openTab('/one/')
  await isOpen(1)
  const other = openTab('/other/')
  await isOpen(2)
  Stream.open.find(({ url }) => url.startsWith('/one/'))?.send('overview', '{}')
  await vi.waitFor(() => expect(one.events).toContainEqual({ kind: 'overview', data: {} }))
  expect(other.events.map(({ kind }) => kind)).toEqual(['reset'])
})

it('a frozen tab does not keep the stream: one that is seen takes it over', async () => {
  const thawed = Promise.withResolvers<void>()
  const taken = navigator.locks
    .request('telegram-backup events /', () => thawed.promise)
    .then(
      () => false,
      () => true,
    )
  const tab = openTab()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(Stream.open).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(10_000)
  await isOpen(1)
  expect(await taken).toBe(true)
  await vi.waitFor(() => expect(tab.events.length).toBeGreaterThan(0))
  expect(tab.events).toContainEqual({ kind: 'reset', data: {} })
  thawed.resolve()
})

it('a tab that answers keeps the stream, however long nothing happens', async () => {
  openTab()
  await isOpen(1)
  const [stream] = Stream.open
  openTab()
  for (let time = 0; time < 10; time += 1) {
    await vi.advanceTimersByTimeAsync(10_000)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  expect(Stream.open).toEqual([stream])
})

it('what cannot be read, and what another version of the page says, breaks nothing', async () => {
  const tab = openTab()
  await vi.waitFor(() => expect(tab.events).toHaveLength(1))
  tab.events.length = 0
  Stream.open[0]?.send('job', '{"id":')
  expect(tab.events).toEqual([{ kind: 'reset', data: {} }])
  const other = new BroadcastChannel('telegram-backup events /')
  for (const message of [null, 7, 'event', {}, { event: null }, { event: { kind: 'no', data: 1 } }])
    other.postMessage(message)
  other.postMessage({ state: 'constructor' })
  other.postMessage({ event: { kind: 'alert', data: null } })
  await vi.waitFor(() => expect(tab.events).toHaveLength(2))
  expect(tab.events[1]).toEqual({ kind: 'alert', data: null })
  expect(tab.states).not.toContain('constructor')
  other.close()
})
