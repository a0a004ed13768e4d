import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import {
  getDrillOptions,
  getEvidenceOptions,
  listEvidenceOptions,
} from '#api/generated/@tanstack/react-query.gen.ts'
import type { EvidenceDetails, Verification } from '#api/generated/types.gen.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Differences, NotCovered, Tables } from '#screens/proof/drill-compared.tsx'
import { DrillFacts } from '#screens/proof/drill-facts.tsx'
import { DrillPhases } from '#screens/proof/drill-phases.tsx'
import { recordFacts, reportOf, resultOf } from '#screens/proof/drill-report.ts'
import { ResultBadge } from '#screens/proof/drill-result.tsx'
import { EvidenceView } from '#screens/proof/evidence-view.tsx'
import { StartDrill } from '#screens/proof/start-drill.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Section } from '#shell/section.tsx'
import { Loading, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** How often a drill that runs is asked for, should the events be missed. */
const ASK_EVERY_MS = 5_000

export function DrillScreen() {
  const { id } = useParams({ from: '/signed-in/proof/$id' })
  const drill = useQuery({
    ...getDrillOptions({ path: { id } }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? ASK_EVERY_MS : false),
  })
  return <QueryView query={drill}>{found => <Drill drill={found} />}</QueryView>
}

function Drill({ drill }: { drill: Verification }) {
  const { proof } = useWords()
  const mayDrill = useMay('restore')
  const isAdmin = useMay('admin')
  const [isAsking, setAsking] = useState(false)
  const { data: evidence, isLoading } = useEvidenceOf(drill)
  const report = reportOf(drill)
  const result = resultOf(drill)
  const record = evidence === undefined ? undefined : recordFacts(evidence)
  const phases = report.phases ?? record?.phases
  const name = drill.source_name === null ? proof.byHand : visibleText(drill.source_name)
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>
          <bdi>{proof.drill.title(name)}</bdi>
        </Title>
        {mayDrill && drill.state !== 'running' ? (
          <Button variant="default" onClick={() => setAsking(true)}>
            {proof.drill.again}
          </Button>
        ) : null}
      </Group>
      <Group gap="sm">
        <ResultBadge result={result} />
        <Text>{proof.resultWords[result]}</Text>
      </Group>
      {result === 'notRestored' ? (
        <Section title={proof.drill.error}>
          <Text size="sm">
            {isAdmin ? <PlainText>{drill.error}</PlainText> : proof.drill.hiddenError}
            {drill.code === null ? null : <PlainText>{` (${drill.code})`}</PlainText>}
          </Text>
        </Section>
      ) : null}
      <Section title={proof.drill.facts}>
        <DrillFacts drill={drill} report={report} record={record} />
      </Section>
      {result === 'running' || result === 'notRestored' ? null : (
        <>
          <Section title={proof.differences.title}>
            <Differences differences={report.differences} />
          </Section>
          {result === 'notCompared' ? null : (
            <Section title={proof.notCovered.title}>
              <NotCovered notCovered={report.notCovered} />
            </Section>
          )}
        </>
      )}
      {record === undefined || record.tables.length === 0 ? null : (
        <Section title={proof.tables.title}>
          <Tables {...record} />
        </Section>
      )}
      {phases === undefined ? null : (
        <Section title={proof.phases.title}>
          <DrillPhases phases={phases} />
        </Section>
      )}
      {result === 'running' ? null : (
        <Section title={proof.evidence.title}>
          {evidence !== undefined ? (
            <EvidenceView evidence={evidence} />
          ) : isLoading ? (
            <Loading />
          ) : (
            <>
              <Text size="sm">{proof.evidence.none}.</Text>
              <Text size="sm" c="dimmed">
                {proof.evidence.noneHint}
              </Text>
            </>
          )}
        </Section>
      )}
      <AnchorLink to="/backups/$id" params={{ id: drill.backup_id }}>
        {proof.drill.toBackup}
      </AnchorLink>
      {isAsking ? (
        <StartDrill
          name={name}
          backup={{ id: drill.backup_id }}
          project={drill.project_id}
          type={drill.type}
          close={() => setAsking(false)}
        />
      ) : null}
    </Stack>
  )
}

/** The signed record of a drill, if it left one. */
function useEvidenceOf({ id, backup_id: backupId, state }: Verification): {
  data: EvidenceDetails | undefined
  isLoading: boolean
} {
  const records = useQuery({
    ...listEvidenceOptions({ query: { backup_id: backupId, kind: 'drill', limit: 500 } }),
    enabled: state !== 'running',
  })
  const found = records.data?.items.find(({ drill_id: drillId }) => drillId === id)
  const details = useQuery({
    ...getEvidenceOptions({ path: { id: found?.id ?? '' } }),
    enabled: found !== undefined,
  })
  return { data: details.data, isLoading: records.isLoading || details.isLoading }
}
