import { Button, Group, Stack, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import Copy from 'lucide-react/icons/copy'
import Download from 'lucide-react/icons/download'
import { useMemo } from 'react'
import { say } from '#acts/notices.ts'
import { saveFile } from '#acts/save-file.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { jobLogOptions, type LogLine, logText } from '#screens/job/job-log.ts'
import { stagesOf } from '#screens/job/job-stages.ts'
import { StageList } from '#screens/job/stage-list.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** Lines come without an event of their own. */
const ASK_AGAIN_MS = 2_000

export function LogSection({ job }: { job: Job }) {
  const { job: words } = useWords()
  const queryClient = useQueryClient()
  const query = useQuery({
    ...jobLogOptions(queryClient, job.id),
    refetchInterval: job.state === 'running' ? ASK_AGAIN_MS : false,
  })
  return (
    <Stack gap="xs" component="section" aria-labelledby="job-log">
      <Group justify="space-between">
        <Title order={2} size="h4" id="job-log">
          {words.log}
        </Title>
        {query.data !== undefined && query.data.lines.length > 0 ? (
          <LogActs job={job} lines={query.data.lines} />
        ) : null}
      </Group>
      <QueryView query={query}>
        {({ lines }) =>
          lines.length === 0 ? (
            <Empty title={words.noLog}>{words.noLogHint}</Empty>
          ) : (
            <Stages job={job} lines={lines} />
          )
        }
      </QueryView>
    </Stack>
  )
}

function Stages({ job, lines }: { job: Job; lines: readonly LogLine[] }) {
  const { kind, state, progress } = job
  const stages = useMemo(() => stagesOf(lines, { kind, state, progress }), [lines, kind, state, progress])
  return <StageList stages={stages} />
}

function LogActs({ job, lines }: { job: Job; lines: readonly LogLine[] }) {
  const { job: words } = useWords()
  const copy = async (): Promise<void> => {
    const isCopied = await navigator.clipboard.writeText(logText(lines)).then(
      () => true,
      () => false,
    )
    say({ text: isCopied ? words.copied : words.notCopied, isGood: isCopied })
  }
  return (
    <Group gap="xs">
      {/* Browsers have no clipboard on a page that is neither on https nor on localhost. */}
      {'clipboard' in navigator ? (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Copy size={14} aria-hidden />}
          onClick={copy}
        >
          {words.copy}
        </Button>
      ) : null}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Download size={14} aria-hidden />}
        onClick={() =>
          saveFile({ name: `job-${job.id.slice(0, 8)}.log`, text: logText(lines), type: 'text/plain' })
        }
      >
        {words.download}
      </Button>
    </Group>
  )
}
