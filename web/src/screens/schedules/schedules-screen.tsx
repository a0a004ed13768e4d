import { Button, Group, Modal, NativeSelect, Stack, Text, Title } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { listSchedulesOptions, listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { KeepPolicy, Schedule, Source } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { Policies } from '#screens/schedules/policies.tsx'
import { RetentionPreviewView } from '#screens/schedules/retention-preview.tsx'
import { ScheduleForm } from '#screens/schedules/schedule-form.tsx'
import { ORDERS } from '#screens/schedules/schedule-order.ts'
import { ScheduleTable } from '#screens/schedules/schedule-table.tsx'
import { type SchedulesSearch, SORTS } from '#screens/schedules/schedules-search.ts'
import { usePreview } from '#screens/schedules/use-preview.ts'
import { oneOf } from '#shell/search.ts'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

const route = getRouteApi('/signed-in/schedules')

export function SchedulesScreen() {
  const { schedules: words, shell } = useWords()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const mayChange = useMay('admin')
  const query = useQuery(listSchedulesOptions())
  const sources = useQuery(listSourcesOptions()).data?.items
  const go = (change: Partial<SchedulesSearch>): void =>
    void navigate({ search: { ...search, ...change }, resetScroll: false })
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1}>{shell.schedules}</Title>
        {mayChange ? <Button onClick={() => go({ add: search.source ?? '' })}>{words.add}</Button> : null}
      </Group>
      {mayChange ? null : (
        <Text size="sm" c="dimmed">
          {words.adminsOnly}
        </Text>
      )}
      <QueryView query={query}>
        {({ items }) => (
          <>
            {items.length === 0 ? (
              <Empty title={words.none}>{words.noneHint}</Empty>
            ) : (
              <Listed items={items} sources={sources} search={search} go={go} />
            )}
            <Dialogs items={items} sources={sources ?? []} search={search} go={go} />
          </>
        )}
      </QueryView>
      <Policies />
    </Stack>
  )
}

function Listed({
  items,
  sources,
  search: { source, sort = 'next' },
  go,
}: {
  items: readonly Schedule[]
  sources: readonly Source[] | undefined
  search: SchedulesSearch
  go: (change: Partial<SchedulesSearch>) => void
}) {
  const { schedules: words } = useWords()
  const names = [...new Set([...items.map(one => one.source), ...(source === undefined ? [] : [source])])]
  const shown = items.filter(one => source === undefined || one.source === source).toSorted(ORDERS[sort])
  return (
    <>
      <Group role="search" aria-label={words.list} align="flex-end" gap="sm">
        <NativeSelect
          label={words.source}
          value={source ?? ''}
          onChange={({ currentTarget: { value } }) => go({ source: value === '' ? undefined : value })}
          data={[
            { value: '', label: words.allSources },
            ...names.sort().map(value => ({ value, label: visibleText(value) })),
          ]}
        />
        <NativeSelect
          label={words.sortBy}
          value={sort}
          onChange={({ currentTarget: { value } }) => go({ sort: oneOf(SORTS, value) })}
          data={SORTS.map(value => ({ value, label: words.sorts[value] }))}
        />
      </Group>
      {shown.length === 0 ? (
        <Empty title={words.noneFound} />
      ) : (
        <ScheduleTable items={shown} sources={sources} />
      )}
    </>
  )
}

/** The dialog that the address names. */
function Dialogs({
  items,
  sources,
  search: { add, change, retention },
  go,
}: {
  items: readonly Schedule[]
  sources: readonly Source[]
  search: SchedulesSearch
  go: (change: Partial<SchedulesSearch>) => void
}) {
  const mayChange = useMay('admin')
  const close = (): void => go({ add: undefined, change: undefined, retention: undefined })
  const [changed, shown] = [change, retention].map(id => items.find(one => one.id === id))
  if (mayChange && changed !== undefined)
    return <ScheduleForm schedule={changed} sources={sources} close={close} />
  if (mayChange && add !== undefined) {
    const usable = sources.filter(source => source.is_usable)
    return <ScheduleForm source={add} sources={usable} close={close} />
  }
  return shown === undefined ? null : <RetentionDialog schedule={shown} close={close} />
}

/** What retention does with the backups of a schedule by the rules of now. */
function RetentionDialog({ schedule, close }: { schedule: Schedule; close: () => void }) {
  const { schedules, states } = useWords()
  const { preview: words } = schedules
  const isPhone = useMediaQuery('(max-width: 48em)')
  const { project_id, type, source, keep } = schedule
  const preview = usePreview({ project_id, type, source, schedule }, keep as KeepPolicy | null)
  return (
    <Modal
      opened
      onClose={close}
      title={`${visibleText(source)}: ${words.title}`}
      size="lg"
      fullScreen={isPhone === true}
      closeButtonProps={{ 'aria-label': states.close }}
    >
      <RetentionPreviewView preview={preview} isChange={false} />
    </Modal>
  )
}
