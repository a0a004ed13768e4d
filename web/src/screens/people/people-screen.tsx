import { Stack, Tabs, Title } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { KeysTab } from '#screens/people/keys-tab.tsx'
import { PeopleTab } from '#screens/people/people-tab.tsx'
import { SessionsTab } from '#screens/people/sessions-tab.tsx'
import { Forbidden } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** People, keys and sessions. Who is no administrator sees their own sessions. */
export function PeopleScreen() {
  const { people } = useWords()
  const { tab = 'people' } = useSearch({ from: '/signed-in/people' })
  const navigate = useNavigate({ from: '/people' })
  const isAdmin = useMay('admin')
  if (!isAdmin) {
    return (
      <Stack>
        <Title order={1}>{people.ownTitle}</Title>
        {tab === 'sessions' ? <SessionsTab /> : <Forbidden />}
      </Stack>
    )
  }
  return (
    <Stack>
      <Title order={1}>{people.title}</Title>
      <Tabs
        value={tab}
        onChange={value =>
          void navigate({ search: { tab: value === 'keys' || value === 'sessions' ? value : 'people' } })
        }
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="people">{people.tabs.people}</Tabs.Tab>
          <Tabs.Tab value="keys">{people.tabs.keys}</Tabs.Tab>
          <Tabs.Tab value="sessions">{people.tabs.sessions}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="people">
          <PeopleTab />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <KeysTab />
        </Tabs.Panel>
        <Tabs.Panel value="sessions">
          <SessionsTab />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}
