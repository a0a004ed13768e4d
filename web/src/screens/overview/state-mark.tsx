import { Group, Text } from '@mantine/core'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleX from 'lucide-react/icons/circle-x'
import TriangleAlert from 'lucide-react/icons/triangle-alert'
import type { Overview } from '#api/generated/types.gen.ts'
import styles from '#screens/overview/overview.module.css'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

export const STATE_ICONS = { ok: CircleCheck, attention: TriangleAlert, broken: CircleX }

/** A state as an icon, a word and a colour. */
export function StateMark({ state }: { state: Overview['state'] }) {
  const { overview } = useWords()
  const Icon = lookOf(STATE_ICONS, state, TriangleAlert)
  return (
    <Group gap={6} wrap="nowrap" className={styles.state} data-state={state}>
      <Icon size={18} aria-hidden />
      <Text span size="sm" fw={600}>
        {wordOf(overview.states, state)}
      </Text>
    </Group>
  )
}
