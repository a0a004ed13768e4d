import { Button, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { describeLink, signIn as sendSignIn } from '#api/generated/sdk.gen.ts'
import { type ApiProblem, asProblem } from '#api/problem.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { SignInFrame } from '#screens/sign-in/sign-in-frame.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { NewPassword } from '#shell/new-password.tsx'
import { isLongEnough } from '#shell/password-strength.ts'
import { beginSession } from '#shell/session.ts'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { useSignInProblem } from '#shell/sign-in-problem.ts'
import { useWords } from '#words/language.tsx'

/**
 * A one-time link: its token stands behind `#`, which no server, log or referrer gets. Opening it uses
 * nothing up, so that a program that looks at links in a chat cannot spoil it.
 */
export function LinkScreen() {
  const { signIn } = useWords()
  const [token] = useState(() => window.location.hash.slice(1))
  useEffect(() => {
    // Neither the address bar nor the way back shows it any longer.
    const { pathname, search } = window.location
    window.history.replaceState(window.history.state, '', `${pathname}${search}`)
  }, [])
  if (token !== '') return <TokenForm token={token} />
  return (
    <SignInFrame title={signIn.link.missing}>
      <Text size="sm">{signIn.link.missingText}</Text>
      <AnchorLink to="/sign-in" size="sm">
        {signIn.link.toSignIn}
      </AnchorLink>
    </SignInFrame>
  )
}

function TokenForm({ token }: { token: string }) {
  const { signIn, shell } = useWords()
  const format = useFormat()
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [password, setPassword] = useState('')
  const [running, setRunning] = useState<'with' | 'without'>()
  const [problem, setProblem] = useState<ApiProblem>()
  const useless = { title: signIn.problems.usedLink, text: signIn.problems.usedLinkHint }
  const refused = useSignInProblem(problem, { code: 'UNAUTHENTICATED', ...useless })
  const send = async (way: 'with' | 'without'): Promise<void> => {
    setRunning(way)
    setProblem(undefined)
    try {
      const { data } = await sendSignIn({ body: { link: token, ...(way === 'with' && { password }) } })
      beginSession(queryClient, data)
      await navigate({ to: '/', replace: true })
    } catch (error) {
      setProblem(asProblem(error))
      setRunning(undefined)
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void send('with')
  }
  // The token stays out of the keys of the cache.
  const { data: link } = useQuery({
    queryKey: [{ _id: 'describeLink' }],
    queryFn: async () => (await describeLink({ body: { link: token } })).data,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    retry: false,
  })
  const words = refused ?? (link?.is_usable === false ? useless : undefined)
  return (
    <SignInFrame title={signIn.link.title}>
      {link === undefined || link.name === null || link.role === null ? null : (
        <Text>
          <PlainText>{signIn.link.for(link.name, shell.roles[link.role])}</PlainText>
        </Text>
      )}
      <Text size="sm">
        {signIn.link.text}{' '}
        {link === undefined || link.expires_at === null
          ? signIn.link.once
          : signIn.link.until(format.time(link.expires_at))}
      </Text>
      <form onSubmit={submit}>
        <Stack>
          <NewPassword label={signIn.password} value={password} onChange={setPassword} />
          {words === undefined ? null : <SignInAlert {...words} />}
          <Button
            type="submit"
            loading={running === 'with'}
            disabled={!isLongEnough(password) || running === 'without'}
          >
            {signIn.button}
          </Button>
          <Button
            variant="subtle"
            // On a phone its words need the whole width.
            px={0}
            loading={running === 'without'}
            disabled={running === 'with'}
            onClick={() => void send('without')}
          >
            {signIn.link.withoutPassword}
          </Button>
          <Text size="xs" c="dimmed">
            {signIn.link.withoutHint}
          </Text>
        </Stack>
      </form>
    </SignInFrame>
  )
}
