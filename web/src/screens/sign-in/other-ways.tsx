import { Button, Divider, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { provePasskey, whyNoPasskeys } from '#acts/passkey.ts'
import { goToProvider } from '#acts/provider.ts'
import { listProvidersOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { signIn as sendSignIn } from '#api/generated/sdk.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { usePasskeyProblem } from '#shell/passkey-problem.ts'
import { beginSession } from '#shell/session.ts'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { useWords } from '#words/language.tsx'

/** Signing in without a password: with a passkey, or at a provider. */
export function OtherWays() {
  const { signIn } = useWords()
  const { to = '/' } = useSearch({ from: '/sign-in' })
  const queryClient = useQueryClient()
  const { data } = useQuery({ ...listProvidersOptions(), retry: false })
  const [error, setError] = useState<unknown>()
  const [running, setRunning] = useState<string>()
  const problem = usePasskeyProblem(error, 'UNAUTHENTICATED')
  const why = whyNoPasskeys()
  const start = async (way: string, work: () => Promise<void>): Promise<void> => {
    setRunning(way)
    setError(undefined)
    try {
      await work()
    } catch (thrown) {
      setError(thrown)
      setRunning(undefined)
    }
  }
  const byPasskey = async (): Promise<void> => {
    const { data: who } = await sendSignIn({ body: { passkey: await provePasskey() } })
    beginSession(queryClient, who)
  }
  return (
    <Stack gap="sm">
      <Divider label={signIn.provider.or} />
      {problem === undefined ? null : <SignInAlert {...problem} />}
      {why === undefined ? (
        <Button
          variant="default"
          loading={running === ''}
          disabled={running !== undefined}
          onClick={() => void start('', byPasskey)}
        >
          {signIn.passkey.use}
        </Button>
      ) : (
        <Text size="xs" c="dimmed">
          {signIn.passkey[why]}
        </Text>
      )}
      {(data?.items ?? []).map(({ name, title }) => (
        <Button
          key={name}
          variant="default"
          loading={running === name}
          disabled={running !== undefined}
          onClick={() => void start(name, () => goToProvider(name, { to }))}
        >
          {signIn.provider.use(visibleText(title))}
        </Button>
      ))}
    </Stack>
  )
}
