import { Code, List, Text } from '@mantine/core'
import type { Verification } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { type DrillReport, type RecordFacts, recoverySeconds } from '#screens/proof/drill-report.ts'
import { useComparedWords } from '#screens/proof/drill-result.tsx'
import { FactList } from '#shell/fact-list.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** When, where, what, and the two numbers that auditors ask for: recovery point and recovery time. */
export function DrillFacts({
  drill,
  report,
  record,
}: {
  drill: Verification
  report: DrillReport
  record: RecordFacts | undefined
}) {
  const { proof } = useWords()
  const { drill: words } = proof
  const format = useFormat()
  const comparedWords = useComparedWords()
  const { phases } = report
  const recovery = record?.recoverySeconds ?? (phases === undefined ? undefined : recoverySeconds(phases))
  const point = record?.recoveryPointSeconds
  const text = (value: string | undefined) => value && <PlainText>{value}</PlainText>
  return (
    <FactList
      facts={{
        [proof.project]: <PlainText>{drill.project_id}</PlainText>,
        [words.backup]: (
          <AnchorLink to="/backups/$id" params={{ id: drill.backup_id }}>
            <Code>{drill.backup_id.slice(0, 8)}</Code>
          </AnchorLink>
        ),
        [words.began]: <Time at={drill.started_at} />,
        [words.ended]: drill.finished_at === null ? undefined : <Time at={drill.finished_at} />,
        [proof.drills.compared]: text(comparedWords(report) || undefined),
        [words.recoveryPoint]:
          point === undefined ? undefined : words.recoveryPointHint(format.seconds(point)),
        [words.recoveryTime]:
          recovery === undefined ? undefined : (
            <>
              {format.seconds(recovery)}{' '}
              <Text span size="sm" c="dimmed">
                {words.recoveryTimeHint}
              </Text>
            </>
          ),
        [words.read]:
          drill.bytes === 0
            ? undefined
            : `${format.bytes(drill.bytes)} ${words.parts(drill.parts, format.number(drill.parts))}`,
        [words.where]: text(report.where),
        [words.version]: text(report.serverVersion),
        [words.startedBy]: text(drill.actor ?? record?.startedBy),
        [words.job]:
          drill.job_id === null ? undefined : (
            <AnchorLink to="/jobs/$id" params={{ id: drill.job_id }}>
              <Code>{drill.job_id.slice(0, 8)}</Code>
            </AnchorLink>
          ),
        [words.notes]:
          report.notes.length === 0 ? undefined : (
            <List size="sm">
              {report.notes.map(note => (
                <List.Item key={note}>
                  <PlainText>{note}</PlainText>
                </List.Item>
              ))}
            </List>
          ),
      }}
    />
  )
}
