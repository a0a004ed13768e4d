import { Button, Group, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { listKeysOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { revokeKey } from '#api/generated/sdk.gen.ts'
import type { Key, NewKey } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { KeyActs } from '#keys/key-acts.tsx'
import { KeyTable } from '#keys/key-table.tsx'
import { CreateKey } from '#screens/people/create-key.tsx'
import { Pages } from '#shell/pages.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

export function KeysTab() {
  const { people } = useWords()
  const { key: words } = people
  const { cursor } = useSearch({ from: '/signed-in/people' })
  const navigate = useNavigate({ from: '/people' })
  const query = useQuery({
    ...listKeysOptions({ query: { limit: 50, ...(cursor !== undefined && { cursor }) } }),
    placeholderData: keepPreviousData,
  })
  return (
    <KeyActs<Key, NewKey>
      words={words}
      dialog={of => <CreateKey {...of} />}
      secretOf={({ key }) => key}
      revoke={({ id }) => revokeKey({ path: { id } })}
      changed={() => query.refetch()}
    >
      {({ create, revoke }) => (
        <Stack>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {words.text}
            </Text>
            <Button onClick={create}>{words.create}</Button>
          </Group>
          <QueryView query={query}>
            {({ items, next_cursor }) => (
              <>
                {items.length === 0 ? (
                  <Empty title={words.empty}>{words.emptyHint}</Empty>
                ) : (
                  <ApiKeyTable items={items} revoke={revoke} />
                )}
                <Pages
                  cursor={cursor}
                  next={next_cursor}
                  go={({ cursor: to, state }) =>
                    void navigate({ search: { tab: 'keys', cursor: to }, state })
                  }
                />
              </>
            )}
          </QueryView>
        </Stack>
      )}
    </KeyActs>
  )
}

function ApiKeyTable({ items, revoke }: { items: readonly Key[]; revoke: (key: Key) => void }) {
  const { people } = useWords()
  const { key: words } = people
  return (
    <KeyTable
      caption={words.caption}
      items={items}
      codeOf={({ prefix }) => `${prefix}…`}
      rights={[
        { key: 'scopes', header: words.scopes, label: words.scopes, cell: ({ scopes }) => scopes.join(', ') },
        {
          key: 'project',
          header: people.project,
          label: people.project,
          cell: ({ project_id: id }) => (id === null ? people.allProjects : <PlainText>{id}</PlainText>),
        },
      ]}
      revoke={revoke}
    />
  )
}
