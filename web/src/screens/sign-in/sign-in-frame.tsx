import { Center, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { PreferencesButton } from '#shell/preferences-button.tsx'

/** What is around the screens of somebody who is not signed in. */
export function SignInFrame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack mih="100dvh" p="md" component="main">
      <Group justify="space-between">
        <Text fw={700}>telegram-backup</Text>
        <PreferencesButton />
      </Group>
      <Center flex={1}>
        <Paper withBorder p="xl" w="100%" maw="26rem">
          <Stack>
            <Title order={1} size="h2">
              {title}
            </Title>
            {children}
          </Stack>
        </Paper>
      </Center>
    </Stack>
  )
}
