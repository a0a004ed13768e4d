import { expect, test } from 'vitest'
import { renewedPart } from '#config/renewed-part.ts'

/** A configuration that changes when the test says so, and what was started and stopped by it. */
function changing() {
  const listeners = new Set<() => void>()
  const events: string[] = []
  const errors: unknown[] = []
  let value = 'first'
  const part = renewedPart({
    log: { error: ({ error }: { error: unknown }) => void errors.push(error) },
    configFile: {
      onChange: listener => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    settings: () => ({ value }),
    start: ({ value: now }) => {
      if (now === 'none') return undefined
      if (now === 'unusable') throw new Error('no part of this')
      events.push(`start ${now}`)
      return { stop: async () => void events.push(`stop ${now}`) }
    },
  })
  const change = (to: string): void => {
    value = to
    for (const listener of listeners) listener()
  }
  return { part, events, errors, change, listeners }
}

/** By then all has happened that a change leads to: nothing here waits for anything but promises. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('a part is started anew when its own settings have changed, and at no other change', async () => {
  const { part, events, change, listeners } = changing()
  change('first')
  await settled()
  expect(events).toEqual(['start first'])
  change('second')
  await settled()
  change('second')
  await settled()
  expect(events).toEqual(['start first', 'stop first', 'start second'])
  await part.stop()
  expect(events.slice(3)).toEqual(['stop second'])
  expect(listeners.size).toBe(0)
})

test('of changes at once those in between may be passed over; never do two run, and the last one counts', async () => {
  const { part, events, change } = changing()
  for (const to of ['second', 'none', 'third']) change(to)
  await settled()
  expect(events.at(-1)).toBe('start third')
  await part.stop()
  const started = events.filter(event => event.startsWith('start'))
  expect(events).toEqual(started.flatMap(event => [event, event.replace('start', 'stop')]))
})

test('one that cannot be started anew is told of, and the next change tries again', async () => {
  const { part, events, errors, change } = changing()
  change('unusable')
  await settled()
  expect(errors).toEqual([new Error('no part of this')])
  change('unusable')
  await settled()
  expect(errors).toHaveLength(2)
  change('second')
  await settled()
  expect(events).toEqual(['start first', 'stop first', 'start second'])
  change('unusable')
  await part.stop()
  expect(events.at(-1)).toBe('stop second')
})

test('one that was stopped is not started by a change', async () => {
  const { part, events, change } = changing()
  const stopping = part.stop()
  change('second')
  await stopping
  expect(events).toEqual(['start first', 'stop first'])
})

test('the settings of the last change are those it runs by', async () => {
  const { part, events, change } = changing()
  change('second')
  await expect.poll(() => events).toEqual(['start first', 'stop first', 'start second'])
  change('none')
  await expect.poll(() => events.at(-1)).toBe('stop second')
  change('third')
  await expect.poll(() => events.at(-1)).toBe('start third')
  await part.stop()
  expect(events.at(-1)).toBe('stop third')
})
