import { Group, Stack, Text, Title, UnstyledButton } from '@mantine/core'
import ChevronDown from 'lucide-react/icons/chevron-down'
import ChevronRight from 'lucide-react/icons/chevron-right'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleX from 'lucide-react/icons/circle-x'
import LoaderCircle from 'lucide-react/icons/loader-circle'
import Square from 'lucide-react/icons/square'
import { Fragment, useId, useState } from 'react'
import { useFormat } from '#format/format.ts'
import { useSeconds } from '#format/use-seconds.ts'
import type { Stage } from '#screens/job/job-stages.ts'
import { StageLines } from '#screens/job/stage-lines.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const SIGNS = {
  done: { Icon: CircleCheck, color: 'teal' },
  running: { Icon: LoaderCircle, color: 'blue' },
  failed: { Icon: CircleX, color: 'red' },
  stopped: { Icon: Square, color: 'gray' },
} as const

/** The stages of a job; the one that runs, or that failed, opens itself. */
export function StageList({ stages }: { stages: readonly Stage[] }) {
  const { job } = useWords()
  const hasAttempts = stages.some(({ attempt }) => attempt > 1)
  return (
    <Stack gap="xs">
      {stages.map((stage, index) => (
        <Fragment key={stage.key}>
          {hasAttempts && stage.attempt !== stages[index - 1]?.attempt ? (
            <Title order={3} size="h5" mt={index === 0 ? 0 : 'sm'}>
              {job.attemptTitle(stage.attempt)}
            </Title>
          ) : null}
          <StageRow stage={stage} isLast={index === stages.length - 1} />
        </Fragment>
      ))}
    </Stack>
  )
}

function StageRow({ stage, isLast }: { stage: Stage; isLast: boolean }) {
  const { job } = useWords()
  const format = useFormat()
  const [chosen, setChosen] = useState<boolean>()
  const id = useId()
  const now = useSeconds(stage.end === undefined)
  const isOpen = chosen ?? (stage.state === 'running' || (isLast && stage.state === 'failed'))
  const { Icon, color } = SIGNS[stage.state]
  const Chevron = isOpen ? ChevronDown : ChevronRight
  return (
    <div>
      <UnstyledButton
        onClick={() => setChosen(!isOpen)}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        w="100%"
        py={6}
      >
        <Group gap="xs" wrap="nowrap">
          <Chevron size={16} aria-hidden />
          <Icon size={16} aria-hidden color={`var(--mantine-color-${color}-text)`} />
          <Text fw={600} span>
            {wordOf(job.stages, stage.name)}
          </Text>
          <Text size="sm" c="dimmed" span ml="auto" ta="right">
            {job.stageStates[stage.state]} · {format.seconds(((stage.end ?? now) - stage.start) / 1_000)}
            {stage.lines.length === 0 ? null : ` · ${job.lines(stage.lines.length)}`}
          </Text>
        </Group>
      </UnstyledButton>
      {isOpen ? (
        <div id={id}>
          <StageLines stage={stage} />
        </div>
      ) : null}
    </div>
  )
}
