import type { EvidenceDetails, EvidenceSummary } from '@telegram-backup/engine/operations/evidence.ts'
import { placeWords, RESULTS, scopeWords, timeWords } from '@telegram-backup/engine/proof/evidence-words.ts'
import { count, formatSpan, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { factTable } from '#commands/fact-table.ts'
import type { Output } from '#commands/output.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

const COLUMNS: readonly Column[] = [
  { heading: 'NUMBER' },
  { heading: 'ID', isId: true },
  { heading: 'MADE' },
  { heading: 'SOURCE', least: 8 },
  { heading: 'RESULT', least: 10 },
  { heading: 'BACKUP', isId: true, leavesAs: 1 },
]

export function describeEvidenceList(
  records: readonly EvidenceSummary[],
  { output, isFiltered }: { output: Output; isFiltered: boolean },
): Text {
  if (records.length === 0 && isFiltered) return 'No record matches.'
  if (records.length === 0)
    return 'There is no evidence yet. Each drill leaves some: telegram-backup verify latest --drill'
  const rows = records.map(one => [
    ...[String(one.number), one.id, formatTime(one.at), one.source_name ?? one.project_id],
    one.outcome === null
      ? `review of ${one.reviewed_id?.slice(0, 8) ?? ''}`
      : { text: one.outcome, style: styleOf(one.outcome) },
    one.backup_id,
  ])
  return linesOf([output.table(COLUMNS, rows), count(records.length, 'record')])
}

function styleOf(outcome: string): 'green' | 'yellow' | 'red' {
  if (outcome === 'passed') return 'green'
  return outcome === 'not compared' ? 'yellow' : 'red'
}

/** Without the list of tables, which the record and the page have. */
export function describeEvidence(details: EvidenceDetails): string {
  const { record, sha256, signer, messages, reviews } = details
  const places = messages.map(
    ({ chat_id, message_id, sent_at }) =>
      `message ${message_id} of chat ${chat_id}${sent_at === null ? '' : `, dated ${timeWords(sent_at)}`}`,
  )
  const proof = [
    ['record', `number ${record.number}, ${record.id}`],
    ['SHA-256', sha256],
    ['record before it', record.previous ?? 'none'],
    ['signed by', signer],
    ['kept in', places.length === 0 ? 'the catalog alone so far' : places.join('; ')],
  ] as const
  const { name, project, type } = record.source
  const source = `${name ?? project} (${project}, ${type})`
  if (record.kind === 'review') {
    return factTable([
      ...[['review of', record.of.id] as const, ['source', source] as const],
      ...[['by', record.name] as const, ['note', record.note] as const],
      ...proof,
    ])
  }
  const { outcome, drill, backup, error, differences, not_covered } = record
  const exceptions = [
    ...(error === undefined ? [] : [`${error.words} (${error.code})`]),
    ...differences.map(({ reason }) => `differs: ${reason}`),
    ...not_covered.map(({ table, reason }) => `not compared: ${table}: ${reason}`),
  ]
  const facts = factTable([
    ['result', `${outcome}: ${RESULTS[outcome].words}`],
    ['source', source],
    ['backup', `${backup.id}, made ${timeWords(backup.created_at)}`],
    ['restored in', placeWords(record)],
    ['PostgreSQL', record.server_version ?? null],
    [
      'drill',
      `${timeWords(drill.started_at)}, for ${formatSpan(drill.seconds)}, started by ${record.started_by}`,
    ],
    ['compared', scopeWords(record)],
    ['recovery point', `${formatSpan(record.recovery_point_seconds)} old`],
    ['recovery time', record.recovery_seconds === undefined ? null : formatSpan(record.recovery_seconds)],
    ...proof,
    ...reviews.map(
      review => ['reviewed', `${timeWords(review.at)} by ${review.name}: ${review.note}`] as const,
    ),
  ])
  return [
    facts,
    ...(exceptions.length === 0 ? [] : ['exceptions', ...exceptions.map(line => `  ${line}`)]),
  ].join('\n')
}
