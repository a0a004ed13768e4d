import { Button, Code, Group, Text } from '@mantine/core'
import type { DoorKey } from '#api/generated/types.gen.ts'
import { currentTime } from '#format/clock.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

export function DoorKeyTable({
  items,
  revoke,
}: {
  items: readonly DoorKey[]
  revoke: (key: DoorKey) => void
}) {
  const { keys: words } = useWords().buckets
  const columns: Column<DoorKey>[] = [
    {
      key: 'name',
      header: words.name,
      label: '',
      cell: ({ name, user }) => (
        <Group gap="xs">
          <Text fw={600} size="sm" component="span">
            <PlainText>{name}</PlainText>
          </Text>
          <Code>{user}</Code>
        </Group>
      ),
    },
    {
      key: 'scope',
      header: words.scope,
      label: words.scope,
      cell: ({ scope }) => wordOf(words.scopes, scope),
    },
    {
      key: 'used',
      header: words.lastUsed,
      label: words.lastUsed,
      cell: ({ last_used_at: at }) => (at === null ? words.never : <Time at={at} isRelative />),
    },
    {
      key: 'expires',
      header: words.expires,
      label: words.expires,
      cell: ({ expires_at: at }) => (at === null ? words.never : <Time at={at} />),
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
  ]
  return <DataTable caption={words.caption} columns={columns} rows={items} keyOf={({ id }) => id} />
}

function stateOf({ revoked_at, expires_at }: DoorKey): 'valid' | 'expired' | 'revoked' {
  if (revoked_at !== null) return 'revoked'
  return expires_at !== null && new Date(expires_at).getTime() <= currentTime() ? 'expired' : 'valid'
}
