import { Button, Code, Stack, Text, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { signIn as sendSignIn } from '#api/generated/sdk.gen.ts'
import { type ApiProblem, asProblem } from '#api/problem.ts'
import { OtherWays } from '#screens/sign-in/other-ways.tsx'
import { placeOf } from '#screens/sign-in/place.ts'
import { SignInFrame } from '#screens/sign-in/sign-in-frame.tsx'
import { PasswordField } from '#shell/password-field.tsx'
import { beginSession, forgetAnswers, useSessionOfOtherTabs } from '#shell/session.ts'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { useSignInProblem } from '#shell/sign-in-problem.ts'
import { wasSignedOut, whoAmIOptions } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** By name and password; then the person returns to where they wanted. */
export function SignInScreen() {
  const { signIn } = useWords()
  const { to = '/' } = useSearch({ from: '/sign-in' })
  const queryClient = useQueryClient()
  // The frame may have asked just now.
  const { data: who, error } = useQuery({ ...whoAmIOptions(), enabled: !wasSignedOut(), retryOnMount: false })
  useSessionOfOtherTabs(false)
  // A session that has ended by itself: nothing of it stays for the next person.
  useEffect(() => forgetAnswers(queryClient), [queryClient])
  if (who !== undefined && error === null) return <Navigate {...placeOf(to)} replace />
  return (
    <SignInFrame title={signIn.title}>
      <PasswordForm />
      <OtherWays />
      <Text size="sm" c="dimmed" component="div">
        {signIn.firstTime}
        <Code block mt="xs" style={{ whiteSpace: 'pre-wrap' }}>
          telegram-backup user add --admin --name NAME
        </Code>
      </Text>
      <Text size="sm" c="dimmed" component="div">
        {signIn.lost}
        <Code block mt="xs" style={{ whiteSpace: 'pre-wrap' }}>
          telegram-backup user link NAME
        </Code>
      </Text>
    </SignInFrame>
  )
}

function PasswordForm() {
  const { signIn } = useWords()
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [isRunning, setRunning] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const words = useSignInProblem(problem, {
    code: 'UNAUTHENTICATED',
    title: signIn.problems.wrong,
    text: signIn.problems.wrongHint,
  })
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setRunning(true)
    setProblem(undefined)
    try {
      const { data } = await sendSignIn({ body: { name: name.trim(), password } })
      beginSession(queryClient, data)
    } catch (error) {
      setProblem(asProblem(error))
      setPassword('')
      setRunning(false)
    }
  }
  return (
    <form onSubmit={event => void submit(event)}>
      <Stack>
        <TextInput
          label={signIn.name}
          value={name}
          onChange={event => setName(event.currentTarget.value)}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={200}
          required
          withAsterisk={false}
        />
        <PasswordField
          label={signIn.password}
          value={password}
          onChange={event => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
          withAsterisk={false}
        />
        {words === undefined ? null : <SignInAlert {...words} />}
        <Button type="submit" loading={isRunning}>
          {signIn.button}
        </Button>
      </Stack>
    </form>
  )
}
