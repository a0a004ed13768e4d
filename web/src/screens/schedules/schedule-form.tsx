import { Button, Checkbox, Fieldset, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { changeSchedule, createSchedule } from '#api/generated/sdk.gen.ts'
import type { Schedule, Source } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { refetchAfter } from '#live/apply-event.ts'
import { keepPolicy } from '#screens/schedules/keep.ts'
import { KeepFields } from '#screens/schedules/keep-fields.tsx'
import { NextRuns, useNextRuns } from '#screens/schedules/next-runs.tsx'
import { RetentionPreviewView } from '#screens/schedules/retention-preview.tsx'
import { cronOf } from '#screens/schedules/rhythm.ts'
import { RhythmFields } from '#screens/schedules/rhythm-fields.tsx'
import { draftOf, type ScheduleDraft, scheduleOf } from '#screens/schedules/schedule-draft.ts'
import { type Previewed, usePreview } from '#screens/schedules/use-preview.ts'
import { useWords } from '#words/language.tsx'

const PAUSE_MS = 400
const ZONES = Intl.supportedValuesOf('timeZone')

/** Adds a schedule, or changes one. What its policy would erase is shown before it is saved. */
export function ScheduleForm({
  schedule,
  source = '',
  sources,
  close,
}: {
  /** The one that is changed. */
  schedule?: Schedule | undefined
  /** The one that a new schedule is for. */
  source?: string | undefined
  sources: readonly Source[]
  close: () => void
}) {
  const { schedules: words } = useWords()
  const { form } = words
  const format = useFormat()
  const isPhone = useMediaQuery('(max-width: 48em)')
  const [draft, setDraft] = useState(() => draftOf(schedule ?? { source, zone: format.zone }))
  const [agreed, setAgreed] = useState(0)
  const change = (part: Partial<ScheduleDraft>): void => setDraft(before => ({ ...before, ...part }))
  const [settled] = useDebouncedValue(draft, PAUSE_MS)
  const runs = useNextRuns({ cron: cronOf(settled.rhythm), timezone: settled.timezone.trim() })
  const of = previewedOf(draft.source, { schedule, sources })
  const preview = usePreview(of, keepPolicy(settled.keep))
  const erased = preview.rows?.filter(({ fate }) => fate === 'goesToo').length ?? 0
  const ready = scheduleOf(draft)
  const queryClient = useQueryClient()
  const save = useCallback(async () => {
    if (ready === undefined) return
    const { source: _, ...terms } = ready
    if (schedule === undefined) await createSchedule({ body: ready })
    else await changeSchedule({ path: { id: schedule.id }, body: terms })
    await refetchAfter(queryClient, 'schedule')
  }, [ready, schedule, queryClient])
  const { run, isRunning } = useAct(save, words.saved)
  const isSettled = draft === settled && preview.rows !== undefined && runs.error === null
  const title = schedule === undefined ? words.addTitle : words.changeTitle(visibleText(schedule.source))
  return (
    <Modal
      opened
      onClose={close}
      title={title}
      size="lg"
      fullScreen={isPhone === true}
      closeButtonProps={{ 'aria-label': form.cancel }}
    >
      <form
        onSubmit={async event => {
          event.preventDefault()
          if (await run()) close()
        }}
      >
        <Stack gap="md">
          {schedule === undefined ? (
            <NativeSelect
              label={form.source}
              description={sources.length === 0 ? form.noSource : form.sourceHint}
              value={draft.source}
              onChange={({ currentTarget }) => change({ source: currentTarget.value })}
              data={[
                { value: '', label: form.choose },
                ...sources.map(({ name }) => ({ value: name, label: name })),
              ]}
            />
          ) : null}
          <RhythmFields rhythm={draft.rhythm} change={rhythm => change({ rhythm })} />
          <Zone value={draft.timezone} change={timezone => change({ timezone })} />
          <NextRuns query={runs} zone={settled.timezone.trim()} />
          <KeepFields keep={draft.keep} change={keep => change({ keep })} />
          {of === undefined || keepPolicy(draft.keep) === undefined ? null : (
            <Fieldset legend={words.preview.title}>
              <RetentionPreviewView preview={preview} isChange />
              {erased > 0 ? (
                <Checkbox
                  mt="sm"
                  label={words.preview.agree(erased)}
                  checked={agreed === erased}
                  onChange={({ currentTarget }) => setAgreed(currentTarget.checked ? erased : 0)}
                />
              ) : null}
            </Fieldset>
          )}
          <Group grow align="flex-start">
            <NativeSelect
              label={form.catchUp}
              value={draft.catchUp}
              onChange={({ currentTarget: { value } }) =>
                change({ catchUp: value === 'skip' ? 'skip' : 'once' })
              }
              data={(['once', 'skip'] as const).map(value => ({ value, label: form.catchUps[value] }))}
            />
            <TextInput
              label={form.jitter}
              description={form.jitterHint}
              inputWrapperOrder={['label', 'input', 'description']}
              inputMode="numeric"
              value={draft.jitter}
              maxLength={5}
              onChange={({ currentTarget }) => change({ jitter: currentTarget.value })}
            />
          </Group>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {form.cancel}
            </Button>
            <Button
              type="submit"
              loading={isRunning}
              disabled={ready === undefined || !isSettled || (erased > 0 && agreed !== erased)}
            >
              {form.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Zone({ value, change }: { value: string; change: (zone: string) => void }) {
  const { form } = useWords().schedules
  return (
    <>
      <TextInput
        label={form.timezone}
        description={form.timezoneHint}
        value={value}
        list="time-zones"
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        onChange={({ currentTarget }) => change(currentTarget.value)}
      />
      <datalist id="time-zones">
        {['UTC', ...ZONES].map(zone => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  )
}

/** Undefined while there is no source whose project and type are known. */
function previewedOf(
  name: string,
  { schedule, sources }: { schedule: Schedule | undefined; sources: readonly Source[] },
): Previewed | undefined {
  if (schedule !== undefined) {
    const { project_id, type, source } = schedule
    return { project_id, type, source, schedule }
  }
  const found = sources.find(one => one.name === name)
  if (found === undefined || found.project_id === null || found.type === null) return undefined
  return { project_id: found.project_id, type: found.type, source: name }
}
