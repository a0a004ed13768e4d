import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SharedLooks } from '#restic/shared-looks.ts'

/** Looks at a number that changes; each look ends when it is told to. */
function openLooks() {
  const state = { value: 0 }
  const begun: { what: string; end(): void; fail(): void }[] = []
  const looks = new SharedLooks(
    async (what: string) => {
      const seen = state.value
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      begun.push({ what, end: () => resolve(`${what}${seen}`), fail: () => reject(new Error('away')) })
      return await promise
    },
    what => what,
  )
  return { state, begun, looks }
}

it('whoever asks during a look gets the answer to a later one, which all of them share', async () => {
  const { state, begun, looks } = openLooks()
  const first = looks.afterNow('a')
  await turn()
  state.value = 1
  const later = [looks.afterNow('a'), looks.afterNow('a'), looks.afterNow('a')]
  await turn()
  expect(begun).toHaveLength(1)
  begun[0]?.end()
  expect(await first).toBe('a0')
  await turn()
  expect(begun).toHaveLength(2)
  begun[1]?.end()
  expect(await Promise.all(later)).toEqual(['a1', 'a1', 'a1'])
})

it('looks at other things wait for nobody, and a failure is that of its own callers alone', async () => {
  const { begun, looks } = openLooks()
  const failing = [looks.afterNow('a'), looks.afterNow('a')]
  const other = looks.afterNow('b')
  await turn()
  expect(begun.map(({ what }) => what)).toEqual(['a', 'b'])
  const next = looks.afterNow('a')
  begun[0]?.fail()
  for (const one of failing) await expect(one).rejects.toThrow('away')
  begun[1]?.end()
  expect(await other).toBe('b0')
  await turn()
  begun[2]?.end()
  expect(await next).toBe('a0')
})
