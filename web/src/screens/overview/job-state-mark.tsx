import { Group, Text } from '@mantine/core'
import Ban from 'lucide-react/icons/ban'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleX from 'lucide-react/icons/circle-x'
import Clock from 'lucide-react/icons/clock'
import Play from 'lucide-react/icons/play'
import type { Job } from '#api/generated/types.gen.ts'
import styles from '#screens/overview/overview.module.css'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const MARKS = {
  queued: { Icon: Clock, state: undefined },
  running: { Icon: Play, state: undefined },
  done: { Icon: CircleCheck, state: 'ok' },
  failed: { Icon: CircleX, state: 'broken' },
  cancelled: { Icon: Ban, state: 'attention' },
}

/** The state of a job as an icon, a word and a colour. */
export function JobStateMark({ state }: { state: Job['state'] }) {
  const { overview } = useWords()
  const { Icon, state: shown } = lookOf(MARKS, state, MARKS.queued)
  return (
    <Group gap={6} wrap="nowrap" className={styles.state} data-state={shown}>
      <Icon size={16} aria-hidden />
      <Text span size="sm">
        {wordOf(overview.jobStates, state)}
      </Text>
    </Group>
  )
}
