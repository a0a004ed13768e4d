import { ActionIcon, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import Ellipsis from 'lucide-react/icons/ellipsis'
import { useCallback } from 'react'
import { Confirm } from '#acts/confirm.tsx'
import { useAct } from '#acts/use-act.ts'
import { createBackup, removeSchedule } from '#api/generated/sdk.gen.ts'
import type { Schedule } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { refetchAfter } from '#live/apply-event.ts'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** What a person may do with a schedule. */
export function ScheduleActs({ schedule }: { schedule: Schedule }) {
  const { schedules: words } = useWords()
  const mayBackUp = useMay('backup')
  const mayChange = useMay('admin')
  const navigate = useNavigate()
  const [isRemoving, { open, close }] = useDisclosure()
  const { id, source } = schedule
  const request = useCallback(async () => {
    const { data } = await createBackup({ body: { source } })
    await navigate({ to: '/jobs/$id', params: { id: data.job_id } })
  }, [source, navigate])
  const runNow = useAct(request, words.requested)
  const show = (search: { change?: string; retention?: string }) =>
    void navigate({ to: '/schedules', search: before => ({ ...before, ...search }) })
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon
            variant="default"
            aria-label={words.acts.menu(visibleText(source))}
            loading={runNow.isRunning}
          >
            <Ellipsis size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {mayBackUp ? <Menu.Item onClick={() => void runNow.run()}>{words.acts.run}</Menu.Item> : null}
          <Menu.Item onClick={() => show({ retention: id })}>{words.acts.retention}</Menu.Item>
          {mayChange ? (
            <>
              <Menu.Item onClick={() => show({ change: id })}>{words.acts.change}</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="var(--page-bad)" onClick={open}>
                {words.acts.remove}
              </Menu.Item>
            </>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      {isRemoving ? <RemoveDialog schedule={schedule} close={close} /> : null}
    </>
  )
}

function RemoveDialog({ schedule: { id, source }, close }: { schedule: Schedule; close: () => void }) {
  const { schedules: words } = useWords()
  const queryClient = useQueryClient()
  const remove = useAct(async () => {
    await removeSchedule({ path: { id } })
    await refetchAfter(queryClient, 'schedule')
  }, words.removed)
  return (
    <Confirm
      title={words.removeTitle(visibleText(source))}
      words={{ confirm: words.removeNow, cancel: words.form.cancel }}
      isRunning={remove.isRunning}
      confirm={() => void remove.run().then(isDone => isDone && close())}
      close={close}
    >
      {words.removeSays}
    </Confirm>
  )
}
