import type { QueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { basePath, urlOf } from '#api/client.ts'
import { listProvidersOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { signOut } from '#api/generated/sdk.gen.ts'
import type { PersonWho } from '#api/generated/types.gen.ts'
import { asProblem } from '#api/problem.ts'
import { whoAmIOptions } from '#shell/whoami.ts'

type Message = 'begun' | 'ended'
/** Messages do not come back to what sends them. */
let ofThisTab: BroadcastChannel | undefined

/**
 * Forgets everything that somebody else may have seen. Who is signed in is asked again, and where people can
 * sign in is told to everybody.
 */
export function forgetAnswers(queryClient: QueryClient): void {
  const keys = [whoAmIOptions().queryKey, listProvidersOptions().queryKey]
  const kept = keys.map(queryKey => queryClient.getQueryCache().find({ queryKey }))
  queryClient.removeQueries({ predicate: query => !kept.includes(query) })
}

/** The person is signed in: nothing of an earlier one stays, in this tab or in the others. */
export function beginSession(queryClient: QueryClient, who: PersonWho): void {
  forgetAnswers(queryClient)
  queryClient.setQueryData(whoAmIOptions().queryKey, who)
  tellOtherTabs('begun')
}

/**
 * Signs out on the server. Then the page is loaded anew, so that nothing which it has shown stays in its
 * memory. Throws `ApiProblem`: still signed in.
 */
export async function endSession(): Promise<void> {
  await signOut().catch((error: unknown) => {
    // The session has ended by itself.
    if (asProblem(error).status !== 401) throw error
  })
  tellOtherTabs('ended')
  leave()
}

/**
 * Another tab that signs in or out changes who is signed in here.
 * @param isSignedIn whether there is something to leave
 */
export function useSessionOfOtherTabs(isSignedIn: boolean): void {
  useEffect(() => {
    const channel = tabsOfThisPage()
    ofThisTab = channel
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data === 'begun') window.location.reload()
      else if (isSignedIn) leave()
    }
    // The browser may bring back a page as it was left, with what it showed then.
    const returned = ({ persisted }: PageTransitionEvent): void => {
      if (persisted) window.location.reload()
    }
    window.addEventListener('pageshow', returned)
    return () => {
      channel.close()
      ofThisTab = undefined
      window.removeEventListener('pageshow', returned)
    }
  }, [isSignedIn])
}

function leave(): void {
  window.location.replace(urlOf('sign-in'))
}

/**
 * All tabs have the same cookie: when one signs in or out, the others show the wrong person’s data. Below
 * another path of the same host there may be another page.
 */
function tabsOfThisPage(): BroadcastChannel {
  return new BroadcastChannel(`telegram-backup session ${basePath()}`)
}

function tellOtherTabs(message: Message): void {
  if (ofThisTab !== undefined) {
    ofThisTab.postMessage(message)
    return
  }
  const channel = tabsOfThisPage()
  channel.postMessage(message)
  channel.close()
}
