import { expect, test } from 'vitest'
import { overviewSentence } from '#monitoring/overview-words.ts'
import type { SourceState } from '#monitoring/source-states.ts'

const NOW = new Date('2026-12-01T12:00:00Z')
const SHOP = {
  ...{ source: 'shop', project_id: 'shop', type: 'database', state: 'ok', findings: [] },
  proof: { depth: 'contents', at: new Date('2026-12-01T09:00:00Z'), ok: true, drill_id: null },
} as unknown as SourceState

test('the sentence does not say that sources can be restored while the chat cannot be reached', () => {
  expect(overviewSentence([SHOP], [], NOW)).toBe(
    'The only source can be restored. Oldest proof: shop, 3 h ago.',
  )
  const text = 'The chat cannot be reached. Nothing can be backed up or restored meanwhile.'
  const away = { state: 'attention', reason: { code: 'chat_unreachable', text, since: null } } as const
  expect(overviewSentence([SHOP, SHOP], [away], NOW)).toBe(
    `All 2 sources have a good backup. ${text} Oldest proof: shop, 3 h ago.`,
  )
})
