import { Badge, List, Stack, Text, VisuallyHidden } from '@mantine/core'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { LongTable } from '#screens/backup/long-table.tsx'
import type { Column } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Section } from '#shell/section.tsx'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

type Verification = BackupDetails['verifications'][number]

const COLORS = { running: 'blue', sound: 'teal', damaged: 'red', failed: 'red' } as const
/** Of the findings of one verification; the drill's own page has all of them. */
const MOST_FINDINGS = 5

/** What was done to see whether the backup can be restored, newest first. */
export function BackupVerifications({ backup: found }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const format = useFormat()
  const rows = found.verifications.toSorted((one, other) => (one.started_at < other.started_at ? 1 : -1))
  const columns: Column<Verification>[] = [
    { ...named('kind', backup.kind), cell: ({ kind }) => wordOf(backup.kinds, kind) },
    { ...named('result', backup.result), cell: verification => <Result verification={verification} /> },
    {
      ...named('depth', backup.depth),
      cell: ({ depth }) => (depth === null ? '–' : wordOf(backup.depths, depth)),
    },
    { ...named('when', backup.when), cell: ({ started_at }) => <Time at={started_at} isRelative /> },
    {
      ...named('took', backup.took),
      cell: ({ started_at, finished_at }) =>
        finished_at === null
          ? '–'
          : format.seconds((Date.parse(finished_at) - Date.parse(started_at)) / 1_000),
    },
    {
      key: 'drill',
      header: <VisuallyHidden>{backup.kinds.drill}</VisuallyHidden>,
      label: '',
      cell: ({ id, kind }) =>
        kind === 'drill' ? (
          <AnchorLink to="/proof/$id" params={{ id }}>
            {backup.drill}
          </AnchorLink>
        ) : null,
    },
  ]
  return (
    <Section title={backup.proofs}>
      {rows.length === 0 ? (
        <Text c="dimmed">
          {backup.noProofs} {found.state === 'complete' ? backup.noProofsHint : ''}
        </Text>
      ) : (
        <LongTable caption={backup.proofTable} columns={columns} rows={rows} keyOf={({ id }) => id} />
      )}
    </Section>
  )
}

function named(key: string, name: string): Pick<Column<Verification>, 'key' | 'header' | 'label'> {
  return { key, header: name, label: name }
}

function Result({ verification }: { verification: Verification }) {
  const { backup } = useWords()
  const { state, code, findings } = verification
  const error = 'error' in verification && typeof verification.error === 'string' ? verification.error : null
  const texts = findings.map(textOf)
  return (
    <Stack gap={4} align="flex-start">
      <Badge variant="light" color={lookOf(COLORS, state, 'gray')} tt="none">
        {code === 'DIFFERENT' ? backup.different : wordOf(backup.results, state)}
      </Badge>
      {error === null ? null : (
        <Text size="sm">
          <PlainText>{error}</PlainText>
        </Text>
      )}
      {texts.length === 0 ? null : (
        <List size="sm">
          {texts.slice(0, MOST_FINDINGS).map(text => (
            <List.Item key={text}>
              <PlainText>{text}</PlainText>
            </List.Item>
          ))}
          {texts.length <= MOST_FINDINGS ? null : <List.Item>{backup.findings(texts.length)}</List.Item>}
        </List>
      )}
    </Stack>
  )
}

/** A finding is an object whose fields depend on what was found. */
function textOf(finding: Record<string, unknown>): string {
  return Object.entries(finding)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ')
}
