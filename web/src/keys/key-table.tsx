import { Button, Code, Group, Text } from '@mantine/core'
import { currentTime } from '#format/clock.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { useWords } from '#words/language.tsx'

/** What keys of all kinds have. Times in ISO 8601. */
export interface ListedKey {
  id: string
  name: string
  last_used_at: string | null
  expires_at: string | null
  revoked_at: string | null
}

/** Keys, and for each one that is not revoked a button that revokes it. */
export function KeyTable<Key extends ListedKey>({
  caption,
  items,
  codeOf,
  rights,
  revoke,
}: {
  /** What the table shows; for screen readers. */
  caption: string
  items: readonly Key[]
  /** What stands beside the name, by which a person recognises the key where it is used. */
  codeOf: (key: Key) => string
  /** What a key may do. */
  rights: readonly Column<Key>[]
  revoke: (key: Key) => void
}) {
  const { keys: words } = useWords()
  const columns: Column<Key>[] = [
    {
      key: 'name',
      header: words.name,
      label: '',
      cell: key => (
        <Group gap="xs">
          <Text fw={600} size="sm" component="span">
            <PlainText>{key.name}</PlainText>
          </Text>
          <Code>{codeOf(key)}</Code>
        </Group>
      ),
    },
    ...rights,
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
  return <DataTable caption={caption} columns={columns} rows={items} keyOf={({ id }) => id} />
}

function stateOf({ revoked_at, expires_at }: ListedKey): 'valid' | 'expired' | 'revoked' {
  if (revoked_at !== null) return 'revoked'
  return expires_at !== null && new Date(expires_at).getTime() <= currentTime() ? 'expired' : 'valid'
}
