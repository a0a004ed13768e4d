import { Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getOverviewOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { onServer } from '#format/clock.ts'
import { AlertList } from '#screens/overview/alert-list.tsx'
import { BucketTable } from '#screens/overview/bucket-table.tsx'
import { GrowthDetails } from '#screens/overview/growth-details.tsx'
import { Headline } from '#screens/overview/headline.tsx'
import { LastDay } from '#screens/overview/last-day.tsx'
import { NoSources } from '#screens/overview/no-sources.tsx'
import { RunningJobs } from '#screens/overview/running-jobs.tsx'
import { SourcesTable } from '#screens/overview/sources-table.tsx'
import { Section } from '#shell/section.tsx'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** Whether everything can be restored: a sentence, a row for each source, alerts, jobs, the last day. */
export function OverviewScreen() {
  const { buckets, shell } = useWords()
  const query = useQuery(getOverviewOptions())
  return (
    <Stack gap="xl">
      <Title order={1}>{shell.overview}</Title>
      <QueryView query={query}>
        {overview => (
          <>
            <Headline overview={overview} readAt={new Date(onServer(query.dataUpdatedAt))} />
            {overview.sources.length + overview.buckets.length === 0 ? <NoSources /> : null}
            {overview.sources.length === 0 ? null : <SourcesTable overview={overview} />}
            {overview.buckets.length === 0 ? null : (
              <Section title={buckets.list}>
                <BucketTable items={overview.buckets} />
              </Section>
            )}
            <AlertList alerts={overview.alerts} />
            <RunningJobs running={overview.running} />
            <LastDay />
            <GrowthDetails />
          </>
        )}
      </QueryView>
    </Stack>
  )
}
