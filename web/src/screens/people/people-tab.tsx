import { Button, Group, Stack } from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { SecretOnce } from '#acts/secret-once.tsx'
import { listPeopleOptions, listSessionsQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Invited } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { AddPerson } from '#screens/people/add-person.tsx'
import { linkAddress } from '#screens/people/link-address.ts'
import { PeopleTable } from '#screens/people/people-table.tsx'
import { Pages } from '#shell/pages.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** How often lists are asked for that no event tells of. */
const ASK_EVERY_MS = 30_000

export function PeopleTab() {
  const { people } = useWords()
  const { cursor } = useSearch({ from: '/signed-in/people' })
  const navigate = useNavigate({ from: '/people' })
  const queryClient = useQueryClient()
  const query = useQuery({
    ...listPeopleOptions({ query: { limit: 50, ...(cursor !== undefined && { cursor }) } }),
    placeholderData: keepPreviousData,
    refetchInterval: ASK_EVERY_MS,
  })
  const [isAdding, setAdding] = useState(false)
  const [invited, setInvited] = useState<{ person: Invited; isNew: boolean }>()
  const show = (person: Invited, isNew: boolean): void => {
    setAdding(false)
    setInvited({ person, isNew })
    changed()
  }
  const changed = (): void => {
    void query.refetch()
    void queryClient.invalidateQueries({ queryKey: listSessionsQueryKey() })
  }
  return (
    <Stack>
      <Group justify="flex-end">
        <Button onClick={() => setAdding(true)}>{people.person.add}</Button>
      </Group>
      <QueryView query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length === 0 ? (
              <Empty title={people.person.empty}>{people.person.emptyHint}</Empty>
            ) : (
              <PeopleTable
                items={items}
                isWhole={cursor === undefined && next_cursor === null}
                linked={person => show(person, false)}
                changed={changed}
              />
            )}
            <Pages
              cursor={cursor}
              next={next_cursor}
              go={({ cursor: to, state }) => void navigate({ search: { tab: 'people', cursor: to }, state })}
            />
          </>
        )}
      </QueryView>
      {isAdding ? <AddPerson added={person => show(person, true)} close={() => setAdding(false)} /> : null}
      {invited === undefined ? null : (
        <SecretOnce
          title={people.link.title(visibleText(invited.person.name))}
          text={people.link.text}
          label={people.link.label}
          secret={linkAddress(invited.person.link)}
          close={() => setInvited(undefined)}
        >
          {people.link.until} <Time at={invited.person.link.expires_at} />.
          {invited.isNew ? null : ` ${people.link.replaced}`}
        </SecretOnce>
      )}
    </Stack>
  )
}
