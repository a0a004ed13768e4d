import { Switch } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useAct } from '#acts/use-act.ts'
import { changeSchedule } from '#api/generated/sdk.gen.ts'
import type { Schedule } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { refetchAfter } from '#live/apply-event.ts'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** A switch for an administrator, a word for others. */
export function ScheduleSwitch({ schedule: { id, source, enabled } }: { schedule: Schedule }) {
  const { schedules: words } = useWords()
  const mayChange = useMay('admin')
  const queryClient = useQueryClient()
  const turn = useCallback(async () => {
    await changeSchedule({ path: { id }, body: { enabled: !enabled } })
    await refetchAfter(queryClient, 'schedule')
  }, [id, enabled, queryClient])
  const { run, isRunning } = useAct(turn, enabled ? words.switchedOff : words.switchedOn)
  if (!mayChange) return enabled ? words.on : words.off
  return (
    <Switch
      checked={enabled}
      disabled={isRunning}
      onChange={() => void run()}
      aria-label={words.enabledLabel(visibleText(source))}
    />
  )
}
