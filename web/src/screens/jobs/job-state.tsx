import { Group, Text } from '@mantine/core'
import Ban from 'lucide-react/icons/ban'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleX from 'lucide-react/icons/circle-x'
import Clock from 'lucide-react/icons/clock'
import LoaderCircle from 'lucide-react/icons/loader-circle'
import type { Job } from '#api/generated/types.gen.ts'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const SIGNS = {
  queued: { Icon: Clock, color: 'gray' },
  running: { Icon: LoaderCircle, color: 'blue' },
  done: { Icon: CircleCheck, color: 'teal' },
  failed: { Icon: CircleX, color: 'red' },
  cancelled: { Icon: Ban, color: 'gray' },
}

/** A sign and a word: never the colour alone. */
export function JobState({ job: { state, attempt } }: { job: Pick<Job, 'state' | 'attempt'> }) {
  const { jobs } = useWords()
  const { Icon, color } = lookOf(SIGNS, state, SIGNS.queued)
  return (
    <Group gap={6} wrap="nowrap" component="span" fz="sm" data-state={state}>
      <Icon size={16} aria-hidden color={`var(--mantine-color-${color}-text)`} />
      <span>{wordOf(jobs.states, state)}</span>
      {attempt > 1 ? (
        <Text span size="xs" c="dimmed">
          {jobs.attempt(attempt)}
        </Text>
      ) : null}
    </Group>
  )
}
