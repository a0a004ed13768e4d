import { Badge } from '@mantine/core'
import type { LiveState } from '#live/event-source.ts'
import { useWords } from '#words/language.tsx'

const COLORS = { connecting: 'gray', live: 'teal', interrupted: 'orange' } as const

/** Whether what is shown is kept up to date. */
export function LiveBadge({ state }: { state: LiveState }) {
  const { shell } = useWords()
  return (
    <Badge variant="dot" color={COLORS[state]} tt="none" data-live={state}>
      {shell.live[state]}
    </Badge>
  )
}
