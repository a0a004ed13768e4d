import { describe, expect, test } from 'vitest'
import type { BucketState } from '#monitoring/bucket-states.ts'
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
        expect(overviewSentence({ sources: [SHOP], buckets: [], general: [] }, now)).toBe(
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
  expect(overviewSentence({ sources: [SHOP, SHOP], buckets: [], general: [away] }, now)).toBe(
    `All 2 sources have a good backup. ${text} Oldest proof: shop, 3 h ago.`,
  )
})

describe('buckets in the sentence', () => {
  const bucket = (name: string, code?: string): BucketState => ({
    ...{ id: name, name, kind: 'restic', project_id: 'p', replica: 'later', max_bytes: null },
    ...{
      snapshot_limit_hours: 26,
      created_at: PROVEN_AT,
      last_snapshot_at: null,
      undeleting_to: null,
      undelete_seconds: 0,
    },
    ...{ objects: 0, bytes: 0, undeletable_bytes: 0, dead_bytes: 0, messages: 0 },
    state: code === undefined ? 'ok' : 'attention',
    reasons: code === undefined ? [] : [{ code, text: '', since: null }],
  })
  const said = (buckets: BucketState[], sources = [SHOP]): string =>
    overviewSentence({ sources, buckets, general: [] }, PROVEN_AT)

  test('are only named when they need a look, unless there is nothing else', () => {
    expect(said([bucket('a')])).toBe('The only source can be restored. Oldest proof: shop, just now.')
    expect(said([bucket('a'), bucket('b', 'snapshot_overdue')])).toBe(
      'The only source can be restored. 1 bucket needs a look: b (no new snapshot). Oldest proof: shop, just now.',
    )
    expect(said([bucket('a')], [])).toBe('The only bucket is in order.')
    expect(said([bucket('a'), bucket('b')], [])).toBe('All 2 buckets are in order.')
    expect(said([], [])).toBe('Nothing is protected: there is no source and no backup.')
  })

  test('are listed up to three', () => {
    const damaged = ['a', 'b', 'c', 'd'].map(name => bucket(name, 'bucket_damaged'))
    expect(said(damaged, [])).toBe(
      '4 buckets need a look: a (damaged objects), b (damaged objects), c (damaged objects) and 1 more.',
    )
  })
})
