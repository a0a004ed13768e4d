import { Button, Code, Group, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { Confirm } from '#acts/confirm.tsx'
import { useAct } from '#acts/use-act.ts'
import { listKeysOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { revokeKey } from '#api/generated/sdk.gen.ts'
import type { Key, NewKey } from '#api/generated/types.gen.ts'
import { currentTime } from '#format/clock.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { CreateKey } from '#screens/people/create-key.tsx'
import { SecretOnce } from '#screens/people/secret-once.tsx'
import { DataTable } from '#shell/data-table.tsx'
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
  const [isCreating, setCreating] = useState(false)
  const [created, setCreated] = useState<NewKey>()
  const [asked, setAsked] = useState<Key>()
  const revoke = useAct(
    async (key: Key) => {
      await revokeKey({ path: { id: key.id } })
      await query.refetch()
    },
    words.revoked,
    { needsFactor: true },
  )
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {words.text}
        </Text>
        <Button onClick={() => setCreating(true)}>{words.create}</Button>
      </Group>
      <QueryView query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length === 0 ? (
              <Empty title={words.empty}>{words.emptyHint}</Empty>
            ) : (
              <KeyTable items={items} revoke={setAsked} />
            )}
            <Pages
              cursor={cursor}
              next={next_cursor}
              go={({ cursor: to, state }) => void navigate({ search: { tab: 'keys', cursor: to }, state })}
            />
          </>
        )}
      </QueryView>
      {isCreating ? (
        <CreateKey
          created={key => {
            setCreating(false)
            setCreated(key)
            void query.refetch()
          }}
          close={() => setCreating(false)}
        />
      ) : null}
      {created === undefined ? null : (
        <SecretOnce
          title={words.shownTitle(visibleText(created.name))}
          text={words.shownText}
          label={words.label}
          secret={created.key}
          close={() => setCreated(undefined)}
        />
      )}
      {asked === undefined ? null : (
        <Confirm
          title={words.revokeTitle(visibleText(asked.name))}
          words={{ confirm: words.revoke, cancel: people.cancel }}
          isRunning={revoke.isRunning}
          close={() => setAsked(undefined)}
          confirm={() => void revoke.run(asked).then(isDone => isDone && setAsked(undefined))}
        >
          {words.revokeText}
        </Confirm>
      )}
    </Stack>
  )
}

function KeyTable({ items, revoke }: { items: readonly Key[]; revoke: (key: Key) => void }) {
  const { people } = useWords()
  const { key: words } = people
  return (
    <DataTable
      caption={words.caption}
      rows={items}
      keyOf={({ id }) => id}
      columns={[
        {
          key: 'name',
          header: people.name,
          label: '',
          cell: ({ name, prefix }) => (
            <Group gap="xs">
              <Text fw={600} size="sm" component="span">
                <PlainText>{name}</PlainText>
              </Text>
              <Code>{prefix}…</Code>
            </Group>
          ),
        },
        { key: 'scopes', header: words.scopes, label: words.scopes, cell: ({ scopes }) => scopes.join(', ') },
        {
          key: 'project',
          header: people.project,
          label: people.project,
          cell: ({ project_id: id }) => (id === null ? people.allProjects : <PlainText>{id}</PlainText>),
        },
        {
          key: 'used',
          header: words.lastUsed,
          label: words.lastUsed,
          cell: ({ last_used_at: at }) => (at === null ? people.never : <Time at={at} isRelative />),
        },
        {
          key: 'expires',
          header: words.expires,
          label: words.expires,
          cell: ({ expires_at: at }) => (at === null ? people.never : <Time at={at} />),
        },
        { key: 'state', header: words.state, label: words.state, cell: key => words.states[stateOf(key)] },
        {
          key: 'acts',
          header: '',
          label: '',
          cell: key =>
            stateOf(key) === 'revoked' ? null : (
              <Button
                size="xs"
                variant="default"
                aria-label={`${words.revoke}: ${visibleText(key.name)}`}
                onClick={() => revoke(key)}
              >
                {words.revoke}
              </Button>
            ),
        },
      ]}
    />
  )
}

function stateOf({ revoked_at, expires_at }: Key): 'valid' | 'expired' | 'revoked' {
  if (revoked_at !== null) return 'revoked'
  return expires_at !== null && new Date(expires_at).getTime() <= currentTime() ? 'expired' : 'valid'
}
