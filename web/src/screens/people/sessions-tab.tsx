import { Button, Group, Select, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useAct } from '#acts/use-act.ts'
import { listPeopleOptions, listSessionsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { endSession, endSessions } from '#api/generated/sdk.gen.ts'
import type { Session } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { SessionTable } from '#screens/people/session-table.tsx'
import { Pages } from '#shell/pages.tsx'
import { endSession as endOwn } from '#shell/session.ts'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay, useWhoAmI, whoAmIOptions } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** How often the list is asked for: no event tells of a session. */
const ASK_EVERY_MS = 30_000

export function SessionsTab() {
  const { people } = useWords()
  const { session: words } = people
  const { person, cursor } = useSearch({ from: '/signed-in/people' })
  const navigate = useNavigate({ from: '/people' })
  const queryClient = useQueryClient()
  const who = useWhoAmI()
  const isAdmin = useMay('admin')
  const query = useQuery({
    ...listSessionsOptions({
      query: {
        limit: 50,
        ...(person !== undefined && { person_id: person }),
        ...(cursor !== undefined && { cursor }),
      },
    }),
    placeholderData: keepPreviousData,
    refetchInterval: ASK_EVERY_MS,
  })
  const changed = async (): Promise<void> => {
    await query.refetch()
    await queryClient.invalidateQueries(whoAmIOptions())
  }
  const end = useAct(async ({ id, is_own: isOwn }: Session) => {
    if (isOwn) return await endOwn()
    await endSession({ path: { id } })
    await changed()
  }, words.ended)
  const endOthers = useAct(async () => {
    await endSessions()
    await changed()
  }, words.othersEnded)
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        {isAdmin ? (
          <PersonFilter
            value={person}
            onChange={id =>
              void navigate({ search: { tab: 'sessions', ...(id !== null && { person: id }) } })
            }
          />
        ) : (
          <span />
        )}
        {who.kind === 'person' ? (
          <Button variant="default" loading={endOthers.isRunning} onClick={() => void endOthers.run()}>
            {words.endOthers}
          </Button>
        ) : null}
      </Group>
      <Text size="sm" c="dimmed">
        {words.endsWithin}
      </Text>
      <QueryView query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length === 0 ? (
              <Empty title={words.empty} />
            ) : (
              <SessionTable
                items={items}
                showsPerson={isAdmin}
                end={session => void end.run(session)}
                isEnding={end.isRunning}
              />
            )}
            <Pages
              cursor={cursor}
              next={next_cursor}
              go={({ cursor: to, state }) =>
                void navigate({ search: { tab: 'sessions', person, cursor: to }, state })
              }
            />
          </>
        )}
      </QueryView>
    </Stack>
  )
}

function PersonFilter({
  value,
  onChange,
}: {
  value: string | undefined
  onChange: (id: string | null) => void
}) {
  const { people } = useWords()
  const { data } = useQuery(listPeopleOptions({ query: { limit: 500 } }))
  return (
    <Select
      label={people.session.of}
      placeholder={people.session.everybody}
      data={(data?.items ?? []).map(({ id, name }) => ({ value: id, label: visibleText(name) }))}
      value={value ?? null}
      onChange={onChange}
      searchable
      clearable
    />
  )
}
