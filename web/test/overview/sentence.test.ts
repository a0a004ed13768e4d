import { describe, expect, it } from 'vitest'
import type { Overview, SourceOverview } from '#api/generated/types.gen.ts'
import { Format } from '#format/format.ts'
import { sentenceOf } from '#screens/overview/sentence.ts'
import { de } from '#words/de/index.ts'
import { en } from '#words/en/index.ts'
import { ru } from '#words/ru/index.ts'

const AS_OF = '2026-12-02T10:00:00Z'
const PROVEN = { depth: 'contents', at: '2026-11-29T10:00:00Z', ok: true, drill_id: null } as const

function source(name: string | null, more: Partial<SourceOverview> = {}): SourceOverview {
  return {
    source: name,
    project_id: 'shop',
    type: 'database',
    state: 'ok',
    reasons: [],
    last_good: { id: 'b', created_at: AS_OF },
    limit_hours: 26,
    next_run_at: null,
    proof: PROVEN,
    restore_estimate_seconds: null,
    sizes: [],
    ...more,
  }
}

function broken(name: string, code: string): SourceOverview {
  return source(name, { state: 'broken', reasons: [{ code, text: 'text', since: null }] })
}

function overview(sources: SourceOverview[], more: Partial<Overview> = {}): Overview {
  return {
    state: 'ok',
    sentence: 'As the server says.',
    as_of: AS_OF,
    reasons: [],
    ...{ sources, buckets: [] },
    alerts: [],
    running: [],
    ...more,
  }
}

const inGerman = (of: Overview): string => sentenceOf(of, de, new Format('de', 'UTC'))
const inRussian = (of: Overview): string => sentenceOf(of, ru, new Format('ru', 'UTC'))

describe('the first sentence', () => {
  it('is the one of the server in English', () => {
    expect(sentenceOf(overview([source('shop')]), en, new Format('en', 'UTC'))).toBe('As the server says.')
  })

  it('says in each language that all can be restored, and how old the oldest proof is', () => {
    const all = overview([
      source('shop'),
      source('logs', { proof: { ...PROVEN, at: '2026-12-01T10:00:00Z' } }),
    ])
    expect(inGerman(all)).toBe(
      'Alle 2 Quellen können wiederhergestellt werden. Ältester Nachweis: shop, vor 3 Tagen.',
    )
    expect(inRussian(all)).toBe(
      'Все источники (2) можно восстановить. Самая давняя проверка: shop, 3 дня назад.',
    )
  })

  it('tells a source that cannot be restored from one that is late, and never says that all is well', () => {
    const some = overview([broken('shop', 'no_backup'), broken('logs', 'backup_overdue'), source('etc')])
    expect(inGerman(some)).toBe(
      '1 von 3 Quellen kann nicht wiederhergestellt werden: shop. 1 von 3 Quellen hat keine gute Sicherung innerhalb der Grenze: logs. Ältester Nachweis: logs, vor 3 Tagen.',
    )
    expect(inRussian(some)).toContain('1 из 3 источников нельзя восстановить: shop.')
    expect(inRussian(some)).not.toContain('можно восстановить.')
  })

  it('promises no restore while the chat is away', () => {
    const reasons = [{ code: 'chat_unreachable', text: 'text', since: null }]
    const away = overview([source('shop')], { reasons })
    expect(inGerman(away)).toBe(
      'Die einzige Quelle hat eine gute Sicherung. Der Chat ist nicht erreichbar. Ältester Nachweis: shop, vor 3 Tagen.',
    )
    expect(inRussian(away)).not.toContain('можно')
  })

  it('says that nothing is protected without a source', () => {
    expect(inGerman(overview([]))).toBe('Nichts ist geschützt: Es gibt keine Quelle und keine Sicherung.')
    expect(inRussian(overview([]))).toContain('Ничего не защищено')
  })

  it('names three sources, and counts the others', () => {
    const none = { depth: 'none', at: null, ok: null, drill_id: null } as const
    const many = overview(['a', 'b', 'c', 'd', 'e'].map(name => source(name, { proof: none })))
    expect(inGerman(many)).toContain('Noch nicht nachgewiesen: a, b, c und 2 weitere.')
    expect(inRussian(many)).toContain('Ещё не проверены: a, b, c и ещё 2.')
  })
})
