import { Button, Group, Text } from '@mantine/core'
import { useCallback, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { cancelJob } from '#api/generated/sdk.gen.ts'
import { useWords } from '#words/language.tsx'

/** Cancels a job after a second word: what it has done so far would be lost. */
export function CancelJob({ id, name }: { id: string; name: string }) {
  const { overview } = useWords()
  const [isAsked, setAsked] = useState(false)
  const work = useCallback(() => cancelJob({ path: { id } }), [id])
  const { run, isRunning } = useAct(work, overview.cancelAsked)
  if (!isAsked) {
    return (
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => setAsked(true)}
        aria-label={overview.cancelOf(name)}
      >
        {overview.cancel}
      </Button>
    )
  }
  const cancel = async (): Promise<void> => {
    await run()
    setAsked(false)
  }
  return (
    <Group gap={6}>
      <Text size="xs">{overview.cancelSure}</Text>
      {/* The focus was on the button that is gone. */}
      <Button size="compact-xs" color="red" loading={isRunning} onClick={() => void cancel()} ref={focus}>
        {overview.cancelYes}
      </Button>
      <Button size="compact-xs" variant="default" onClick={() => setAsked(false)}>
        {overview.cancelNo}
      </Button>
    </Group>
  )
}

function focus(element: HTMLElement | null): void {
  element?.focus()
}
