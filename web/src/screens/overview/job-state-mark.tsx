import { Group, Text } from '@mantine/core'
import Ban from 'lucide-react/icons/ban'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleX from 'lucide-react/icons/circle-x'
import Clock from 'lucide-react/icons/clock'
import Play from 'lucide-react/icons/play'
import type { Job } from '#api/generated/types.gen.ts'
import styles from '#screens/overview/overview.module.css'
import { useWords } from '#words/language.tsx'

const MARKS = {
  queued: { Icon: Clock, state: undefined },
  running: { Icon: Play, state: undefined },
  done: { Icon: CircleCheck, state: 'ok' },
  failed: { Icon: CircleX, state: 'broken' },
  cancelled: { Icon: Ban, state: 'attention' },
} as const

/** The state of a job as an icon, a word and a colour. */
export function JobStateMark({ state }: { state: Job['state'] }) {
  const { overview } = useWords()
  const { Icon, state: shown } = MARKS[state]
  return (
    <Group gap={6} wrap="nowrap" className={styles.state} data-state={shown}>
      <Icon size={16} aria-hidden />
      <Text span size="sm">
        {overview.jobStates[state]}
      </Text>
    </Group>
  )
}
