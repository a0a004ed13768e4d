import { Alert, Group, Stack, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** The restores of this backup that have not ended, so that nobody starts a second one by mistake. */
export function RunningRestores({ backup: { id } }: { backup: BackupDetails }) {
  const { unended: words } = useWords().restore
  const jobs = useQueries({
    queries: (['running', 'queued'] as const).map(state =>
      listJobsOptions({ query: { backup_id: id, kind: 'restore', state } }),
    ),
    combine: answers => answers.flatMap(({ data }) => data?.items ?? []),
  })
  if (jobs.length === 0) return null
  return (
    <Alert color="blue" variant="light" role="status">
      <Stack gap="xs">
        {jobs.map(({ id: job, state, target }) => (
          <Group key={job} justify="space-between">
            <Text size="sm">
              <PlainText>{(state === 'queued' ? words.queued : words.running)(target ?? '–')}</PlainText>
            </Text>
            <AnchorLink to="/jobs/$id" params={{ id: job }} size="sm">
              {words.job}
            </AnchorLink>
          </Group>
        ))}
      </Stack>
    </Alert>
  )
}
