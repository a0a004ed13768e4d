import { drillRecord } from '@telegram-backup/test-support/evidence-records.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EvidenceDetails } from '#proof/evidence-details.ts'
import { EVIDENCE_POLICY, evidencePage } from '#proof/evidence-page.ts'

function detailsOf(record: ReturnType<typeof drillRecord>, note = 'No exceptions.'): EvidenceDetails {
  const { id, number, catalog_id, source, backup, drill, outcome } = record
  return {
    ...{ id, number, catalog_id, kind: 'drill', at: new Date(record.at), project_id: source.project },
    ...{ type: source.type, source_name: source.name ?? null, backup_id: backup.id, drill_id: drill.id },
    ...{ reviewed_id: null, outcome, sha256: 'cd'.repeat(32), previous: null, signer: 'SHA256:x=', record },
    signed: {},
    reviews: note === '' ? [] : [{ id, number: 2, at: new Date(record.at), name: note, note }],
    messages: [{ chat_id: '-100', message_id: 7, sent_at: new Date(record.at) }],
  }
}

/** What a browser would show: the page holds no markup of others, so taking the tags away is enough. */
function shownText(html: string): string {
  return html
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
}

test('the page says what an auditor asks for', () => {
  const page = shownText(evidencePage([detailsOf(drillRecord(), 'Internal Audit')]))
  for (const words of [
    'Passed',
    'orders',
    'A temporary PostgreSQL server, apart from the source',
    'PostgreSQL there 17.2',
    'The contents of every row',
    '2 tables, 30 rows',
    'The data was 119 min old',
    'Recovery time 55 s',
    'Exceptions None.',
    'Internal Audit',
    'with the fingerprint from the recovery card',
    'message 7 of chat -100, dated 2026-12-01 03:00:00 UTC by Telegram',
  ])
    expect(page).toContain(words)
})

test('a failed drill names its differences, and what was not compared', () => {
  const reason = 'table public.orders: 20 rows when it was backed up, 19 restored'
  const difference = { object: 'public.orders', kind: 'table', expected: '20', found: '19', reason }
  const record = drillRecord({
    outcome: 'differs',
    differences: [difference],
    differences_further: 3,
    not_covered: [{ table: 'public.log', reason: 'its rows are not in the dump' }],
  })
  const page = shownText(evidencePage([detailsOf(record)]))
  expect(page).toContain('Failed: differences found')
  expect(page).toContain(`Differs: ${reason}`)
  expect(page).toContain('and 3 further differences')
  expect(page).toContain('Not compared: public.log: its rows are not in the dump')
})

test('no text of others becomes markup, whatever it is', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "'onmouseover='alert(1)",
      '</style><style>*{display:none}</style>',
      '\u202e<b>',
      '&lt;script&gt;',
      '<!--',
      'toString',
      '__proto__',
    ),
  )
  const plain = evidencePage([detailsOf(drillRecord())])
  const tagsOf = (html: string): string[] => html.match(/<\/?[a-z!][^>]*>/gi) ?? []
  fc.assert(
    fc.property(hostile, hostile, (text, other) => {
      const { drill, source, tables } = drillRecord()
      const record = drillRecord({
        source: { ...source, name: text },
        started_by: other,
        server_version: text,
        program_version: other,
        drill: { ...drill, where: text },
        tables: { further: 0, named: (tables?.named ?? []).map(one => ({ ...one, table: text })) },
      })
      const html = evidencePage([{ ...detailsOf(record, other), signer: text }])
      expect(tagsOf(html)).toEqual(tagsOf(plain))
      expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    }),
    { numRuns: 100 },
  )
})

test('the page loads nothing and runs nothing, and its policy allows its own style alone', () => {
  const html = evidencePage([detailsOf(drillRecord()), detailsOf(drillRecord())])
  expect(html).not.toMatch(/<script|<link|<img|<iframe|src=|url\(|@import|href=/)
  expect(html).toContain(EVIDENCE_POLICY)
  expect(EVIDENCE_POLICY).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='/)
  expect(html.match(/<article>/g)).toHaveLength(2)
})
