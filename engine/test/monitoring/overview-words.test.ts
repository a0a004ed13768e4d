import { describe, expect, test } from 'vitest'
import { overviewSentence } from '#monitoring/overview-words.ts'
import type { SourceState } from '#monitoring/source-states.ts'

const PROVEN_AT = new Date('2026-01-01T00:00:00Z')
const SHOP: SourceState = {
  source: 'shop',
  project_id: 'p',
  type: 'database',
  state: 'ok',
  findings: [],
  last_good: { id: 'a', created_at: PROVEN_AT },
  limit_ms: null,
  next_run_at: null,
  proof: { depth: 'contents', at: PROVEN_AT, ok: true, drill_id: 'd' },
  restore_seconds: null,
  sizes: [],
}

describe('the sentence of the overview', () => {
  test.each([
    ['just now', [0, 15, 119]],
    ['minutes ago', [120, 135, 3599]],
    ['1 h ago', [3600, 7199]],
    ['2 d ago', [172_800]],
  ])(
    'a proof is %s at all of %j seconds, so followers of the overview hear nothing meanwhile',
    (words, ages) => {
      for (const age of ages) {
        const now = new Date(PROVEN_AT.getTime() + age * 1000)
        expect(overviewSentence([SHOP], [], now)).toBe(
          `The only source can be restored. Oldest proof: shop, ${words}.`,
        )
      }
    },
  )
})

test('the sentence does not say that sources can be restored while the chat cannot be reached', () => {
  const now = new Date(PROVEN_AT.getTime() + 3 * 3_600_000)
  const text = 'The chat cannot be reached. Nothing can be backed up or restored meanwhile.'
  const away = { state: 'attention', reason: { code: 'chat_unreachable', text, since: null } } as const
  expect(overviewSentence([SHOP, SHOP], [away], now)).toBe(
    `All 2 sources have a good backup. ${text} Oldest proof: shop, 3 h ago.`,
  )
})
