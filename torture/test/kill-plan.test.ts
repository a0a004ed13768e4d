import { expect, test } from 'vitest'
import { gateOf, type KillPlan, type Reach } from '#torture/play/kill-plan.ts'
import type { Moment } from '#torture/proxies/moments.ts'

/** The moments of a run that reads twice and sends in between. */
const MOMENTS: readonly Moment[] = ['getfile', 'download', 'senddocument', 'getfile', 'download'].flatMap(
  (what, at) =>
    (['before', 'after'] as const).map(phase => {
      const changes = what === 'senddocument'
      return { channel: 'api', phase, number: at + 1, changes, what } as const
    }),
)

/** What a plan does to them, up to the kill. */
async function hits(plan: KillPlan): Promise<string[]> {
  const words: string[] = []
  const nothing = async (): Promise<void> => {}
  const reach: Reach = {
    killClient: async () => void words.push('killed'),
    killBackends: nothing,
    killServer: nothing,
    onHit: ({ phase, what, number }) => void words.push(`${phase} ${what} ${number}`),
  }
  const gate = gateOf(plan, reach)
  for (const moment of MOMENTS) {
    const verdict = await gate(moment)
    if (verdict !== 'pass') words.push(verdict)
  }
  return words
}

test.each([
  [1, 'before', ['before download 2', 'killed', 'cut']],
  [2, 'after', ['after download 5', 'killed', 'cut']],
  [3, 'after', []],
] as const)('a kill at download %i, %s it, counts downloads alone', async (number, phase, expected) => {
  expect(await hits({ kind: 'kill-download', phase, number })).toEqual(expected)
})

test('a kill at a call counts only those that change something', async () => {
  const plan = { kind: 'kill', channel: 'api', phase: 'before', number: 1, delivered: true } as const
  expect(await hits(plan)).toEqual(['before senddocument 3', 'killed', 'deliver'])
})
