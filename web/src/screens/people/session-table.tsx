import { Badge, Button, Group } from '@mantine/core'
import type { Session } from '#api/generated/types.gen.ts'
import { deviceOf } from '#format/device.ts'
import { useFormat } from '#format/format.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

export function SessionTable({
  items,
  showsPerson,
  end,
  isEnding,
}: {
  items: readonly Session[]
  showsPerson: boolean
  end: (session: Session) => void
  isEnding: boolean
}) {
  const { people } = useWords()
  const { session: words } = people
  const format = useFormat()
  const person: Column<Session> = {
    key: 'person',
    header: people.name,
    label: people.name,
    cell: ({ person: name }) => <PlainText>{name}</PlainText>,
  }
  return (
    <DataTable
      caption={words.caption}
      rows={items}
      keyOf={({ id }) => id}
      columns={[
        ...(showsPerson ? [person] : []),
        {
          key: 'device',
          header: words.device,
          label: words.device,
          cell: ({ user_agent: userAgent, is_own: isOwn }) => (
            <Group gap="xs" component="span">
              <Device userAgent={userAgent} />
              {isOwn ? (
                <Badge size="sm" variant="light">
                  {words.own}
                </Badge>
              ) : null}
            </Group>
          ),
        },
        {
          key: 'address',
          header: words.address,
          label: words.address,
          cell: ({ address }) => <PlainText>{address}</PlainText>,
        },
        {
          key: 'used',
          header: words.lastUsed,
          label: words.lastUsed,
          cell: ({ last_used_at: at }) => <Time at={at} isRelative />,
        },
        {
          key: 'begun',
          header: words.begun,
          label: words.begun,
          cell: ({ created_at: at }) => <Time at={at} />,
        },
        {
          key: 'by',
          header: words.by,
          label: words.by,
          cell: ({ factors }) => format.list(factors.map(factor => wordOf(words.factors, factor))),
        },
        {
          key: 'ends',
          header: words.ends,
          label: words.ends,
          cell: ({ expires_at: at }) => <Time at={at} isRelative />,
        },
        {
          key: 'acts',
          header: '',
          label: '',
          cell: session => (
            <Button
              size="xs"
              variant="default"
              disabled={isEnding}
              aria-label={words.endOf(visibleText(session.person))}
              onClick={() => end(session)}
            >
              {words.end}
            </Button>
          ),
        },
      ]}
    />
  )
}

function Device({ userAgent }: { userAgent: string | null }) {
  const { people } = useWords()
  if (userAgent === null) return people.session.unknown
  const device = deviceOf(userAgent)
  return (
    <span title={visibleText(userAgent)}>
      {device === undefined ? (
        <PlainText>{userAgent}</PlainText>
      ) : (
        people.session.on(device.browser, device.system)
      )}
    </span>
  )
}
