import { ActionIcon, Badge, Group, Menu, Text } from '@mantine/core'
import Ellipsis from 'lucide-react/icons/ellipsis'
import { useState } from 'react'
import { Confirm } from '#acts/confirm.tsx'
import { useAct } from '#acts/use-act.ts'
import { makeSignInLink, removePerson } from '#api/generated/sdk.gen.ts'
import type { Invited, Person } from '#api/generated/types.gen.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { ChangePerson } from '#screens/people/change-person.tsx'
import { DataTable } from '#shell/data-table.tsx'
import { MenuLink } from '#shell/menu-link.tsx'
import { useWhoAmI } from '#shell/whoami.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

export function PeopleTable({
  items,
  isWhole,
  linked,
  changed,
}: {
  items: readonly Person[]
  /** There are no others than these. */
  isWhole: boolean
  linked: (person: Invited) => void
  changed: () => void
}) {
  const { people, shell } = useWords()
  const { person: words } = people
  const who = useWhoAmI()
  const [asked, setAsked] = useState<{ act: 'change' | 'remove'; person: Person }>()
  const isYou = ({ id }: Person): boolean => who.kind === 'person' && who.id === id
  const admins = items.filter(({ role, project_id }) => role === 'admin' && project_id === null)
  const isLastAdmin = (person: Person): boolean => isWhole && admins.length === 1 && admins[0] === person
  const link = useAct(
    async (person: Person) => {
      const { data } = await makeSignInLink({ path: { id: person.id } })
      linked(data)
    },
    undefined,
    { needsFactor: true },
  )
  const remove = useAct(
    async (person: Person) => {
      await removePerson({ path: { id: person.id } })
      changed()
    },
    words.removed,
    { needsFactor: true },
  )
  const close = (): void => setAsked(undefined)
  return (
    <>
      <DataTable
        caption={words.caption}
        rows={items}
        keyOf={({ id }) => id}
        columns={[
          {
            key: 'name',
            header: people.name,
            label: '',
            cell: person => (
              <Group gap="xs">
                <Text fw={600} size="sm" component="span">
                  <PlainText>{person.name}</PlainText>
                </Text>
                {isYou(person) ? (
                  <Badge size="sm" variant="light">
                    {people.you}
                  </Badge>
                ) : null}
              </Group>
            ),
          },
          {
            key: 'role',
            header: people.role,
            label: people.role,
            cell: ({ role }) => wordOf(shell.roles, role),
          },
          {
            key: 'project',
            header: people.project,
            label: people.project,
            cell: ({ project_id: id }) => (id === null ? people.allProjects : <PlainText>{id}</PlainText>),
          },
          {
            key: 'password',
            header: words.hasPassword,
            label: words.hasPassword,
            cell: ({ has_password: has }) => (has ? words.yes : words.no),
          },
          {
            key: 'seen',
            header: words.lastSeen,
            label: words.lastSeen,
            cell: ({ last_seen_at: at }) => (at === null ? people.never : <Time at={at} isRelative />),
          },
          {
            key: 'added',
            header: words.added,
            label: words.added,
            cell: ({ created_at: at }) => <Time at={at} />,
          },
          {
            key: 'acts',
            header: '',
            label: '',
            cell: person => (
              <Menu position="bottom-end" withinPortal>
                <Menu.Target>
                  <ActionIcon variant="default" aria-label={words.acts(visibleText(person.name))}>
                    <Ellipsis size={16} aria-hidden />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown maw="20rem">
                  <Menu.Item onClick={() => void link.run(person)}>{words.newLink}</Menu.Item>
                  <MenuLink to="/people" search={{ tab: 'sessions', person: person.id }}>
                    {words.sessions}
                  </MenuLink>
                  <Menu.Item
                    disabled={isLastAdmin(person)}
                    onClick={() => setAsked({ act: 'change', person })}
                  >
                    {words.change}
                  </Menu.Item>
                  <Menu.Item
                    disabled={isLastAdmin(person)}
                    onClick={() => setAsked({ act: 'remove', person })}
                  >
                    {words.remove}
                  </Menu.Item>
                  {isLastAdmin(person) ? <Menu.Label>{words.lastAdmin}</Menu.Label> : null}
                </Menu.Dropdown>
              </Menu>
            ),
          },
        ]}
      />
      {asked?.act === 'change' ? (
        <ChangePerson
          person={asked.person}
          close={() => {
            close()
            changed()
          }}
        />
      ) : null}
      {asked?.act === 'remove' ? (
        <Confirm
          title={words.removeTitle(visibleText(asked.person.name))}
          words={{ confirm: words.remove, cancel: people.cancel }}
          isRunning={remove.isRunning}
          close={close}
          confirm={() => void remove.run(asked.person).then(isDone => isDone && close())}
        >
          {isYou(asked.person) ? words.removeSelf : words.removeText}
        </Confirm>
      ) : null}
    </>
  )
}
