import { Loader, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { takeWanted } from '#acts/provider.ts'
import { signIn as sendSignIn } from '#api/generated/sdk.gen.ts'
import { type ApiProblem, asProblem } from '#api/problem.ts'
import { visibleText } from '#format/plain-text.tsx'
import { placeOf } from '#screens/sign-in/place.ts'
import { SignInFrame } from '#screens/sign-in/sign-in-frame.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { beginSession } from '#shell/session.ts'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { useWords } from '#words/language.tsx'

/** Where a provider sends people back to. What it says stands in the address, and is taken out of it. */
export function ProviderScreen() {
  const { signIn } = useWords()
  const { provider } = useParams({ from: '/sign-in/$provider' })
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [problem, setProblem] = useState<ApiProblem>()
  const isSent = useRef(false)
  useEffect(() => {
    // It can be used once.
    if (isSent.current) return
    isSent.current = true
    const { pathname, search } = window.location
    window.history.replaceState(window.history.state, '', pathname)
    const enter = async (): Promise<void> => {
      try {
        const { data } = await sendSignIn({ body: { provider, query: search.slice(1) || 'none' } })
        beginSession(queryClient, data)
        await navigate({ ...placeOf(takeWanted()), replace: true })
      } catch (error) {
        setProblem(asProblem(error))
      }
    }
    void enter()
  }, [provider, queryClient, navigate])
  if (problem === undefined) {
    return (
      <SignInFrame title={signIn.provider.title}>
        <Text size="sm" role="status">
          {signIn.provider.text}
        </Text>
        <Loader size="sm" aria-hidden />
      </SignInFrame>
    )
  }
  const { message, hint } = problem
  return (
    <SignInFrame title={signIn.provider.refused}>
      <SignInAlert title={visibleText(message)} text={hint === undefined ? undefined : visibleText(hint)} />
      <AnchorLink to="/sign-in" size="sm">
        {signIn.provider.back}
      </AnchorLink>
    </SignInFrame>
  )
}
