import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { asProblem } from '#api/problem.ts'
import { Frame } from '#shell/frame.tsx'
import { Failed, Loading } from '#shell/states.tsx'
import { wasSignedOut, whoAmIOptions } from '#shell/whoami.ts'

/** Shows the screens to who is signed in, and the sign-in to others, who then return to where they wanted. */
export function SignedIn() {
  const isKnownSignedOut = wasSignedOut()
  const { data, error, refetch } = useQuery({ ...whoAmIOptions(), enabled: !isKnownSignedOut })
  const router = useRouter()
  const isSignedOut =
    (error !== null && asProblem(error).status === 401) || (isKnownSignedOut && data === undefined)
  useEffect(() => {
    // Read once: the way to the sign-in is a location too, and would become the one that was wanted.
    const { href } = router.state.location
    if (isSignedOut) void router.navigate({ to: '/sign-in', search: { to: href }, replace: true })
  }, [isSignedOut, router])
  if (isSignedOut) return <Loading />
  if (data !== undefined) return <Frame />
  if (error !== null) return <Failed problem={asProblem(error)} retry={() => void refetch()} />
  return <Loading />
}
