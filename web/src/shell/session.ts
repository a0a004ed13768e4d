import type { QueryClient } from '@tanstack/react-query'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useEffect } from 'react'
import { signOut } from '#api/generated/sdk.gen.ts'
import type { PersonWho } from '#api/generated/types.gen.ts'
import { asProblem } from '#api/problem.ts'
import { whoAmIOptions } from '#shell/whoami.ts'

/** All tabs have the same cookie: when one signs in or out, the others show the wrong person’s data. */
const CHANNEL = 'telegram-backup session'

/** Forgets everything that somebody else may have seen; only who is signed in is asked again. */
export function forgetAnswers(queryClient: QueryClient): void {
  const { queryKey } = whoAmIOptions()
  const whoAmI = queryClient.getQueryCache().find({ queryKey })
  queryClient.removeQueries({ predicate: query => query !== whoAmI })
}

/** The person is signed in: nothing of an earlier one stays, in this tab or in the others. */
export function beginSession(queryClient: QueryClient, who: PersonWho): void {
  queryClient.clear()
  queryClient.setQueryData(whoAmIOptions().queryKey, who)
  tellOtherTabs()
}

/** Signs out on the server, and forgets what the page has shown. Throws `ApiProblem`: still signed in. */
export function useSignOut(): () => Promise<void> {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  return useCallback(async () => {
    await signOut().catch((error: unknown) => {
      // The session has ended by itself.
      if (asProblem(error).status !== 401) throw error
    })
    await navigate({ to: '/sign-in' })
    queryClient.clear()
    tellOtherTabs()
  }, [navigate, queryClient])
}

/** While the frame is shown: another tab that signs in or out changes who is signed in here. */
export function useSessionOfOtherTabs(): void {
  const queryClient = useQueryClient()
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL)
    channel.onmessage = () => {
      forgetAnswers(queryClient)
      void queryClient.resetQueries(whoAmIOptions())
    }
    return () => channel.close()
  }, [queryClient])
}

function tellOtherTabs(): void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.postMessage('changed')
  channel.close()
}
