import { Alert, Group, Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Source } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { SourceHistory } from '#screens/source/source-history.tsx'
import { CheckResult } from '#screens/sources/check-result.tsx'
import { SourceActs } from '#screens/sources/source-acts.tsx'
import { SourceSchedules } from '#screens/sources/source-schedules.tsx'
import { FactList } from '#shell/fact-list.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const route = getRouteApi('/signed-in/sources/$name')
const HOUR_SECONDS = 3_600

export function SourceScreen() {
  const { sources } = useWords()
  const { name } = route.useParams()
  const query = useQuery(listSourcesOptions())
  return (
    <Stack gap="lg">
      <AnchorLink to="/sources" size="sm">
        {sources.toSources}
      </AnchorLink>
      <Title order={1}>
        <PlainText>{name}</PlainText>
      </Title>
      <QueryView query={query}>
        {({ items }) => {
          const found = items.filter(source => source.name === name)
          return found.length === 0 ? (
            <Empty title={sources.noneFound}>{sources.noneFoundHint}</Empty>
          ) : (
            found.map(source => <Configured key={String(source.project_id)} source={source} />)
          )
        }}
      </QueryView>
      <SourceHistory name={name} />
    </Stack>
  )
}

/** A source as a configuration file names it. */
function Configured({ source }: { source: Source }) {
  const { backups, sources } = useWords()
  const format = useFormat()
  const mayChange = useMay('admin')
  const { facts, sections } = sources
  const { kind, type, no_backup_for_hours, drill_within_hours, proof, is_usable, serves } = source
  const hours = (count: number): string => format.span(count * HOUR_SECONDS)
  return (
    <>
      <SourceActs source={source} />
      {is_usable && serves > 0 ? null : (
        <Alert color="red" variant="light">
          {is_usable ? sources.unserved : sources.unusable}
        </Alert>
      )}
      <FactList
        facts={{
          [facts.kind]: [
            kind === null ? undefined : wordOf(sources.kinds, kind),
            type === null ? undefined : wordOf(backups.types, type),
          ]
            .filter(Boolean)
            .join(' · '),
          [facts.project]: <PlainText>{source.project_id}</PlainText>,
          [facts.serves]: sources.serves(serves),
          [facts.limit]:
            no_backup_for_hours === null ? sources.noLimit : sources.limit(hours(no_backup_for_hours)),
          [facts.proof]: proof === null ? sources.noProof : sources.proofs[proof],
          [facts.drill]:
            drill_within_hours === null ? sources.noDrill : sources.drillWithin(hours(drill_within_hours)),
        }}
      />
      <Stack gap="xs" component="section" aria-label={sections.check}>
        <Title order={2} size="h4">
          {sections.check}
        </Title>
        <CheckResult check={source.last_check} />
      </Stack>
      <Stack gap="xs" component="section" aria-label={sections.schedules}>
        <Group justify="space-between">
          <Title order={2} size="h4">
            <AnchorLink to="/schedules" search={{ source: source.name }} inherit>
              {sections.schedules}
            </AnchorLink>
          </Title>
          {mayChange ? (
            <AnchorLink to="/schedules" search={{ add: source.name }} size="sm">
              {sources.addSchedule}
            </AnchorLink>
          ) : null}
        </Group>
        <SourceSchedules source={source} />
      </Stack>
    </>
  )
}
