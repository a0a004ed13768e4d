import { useQuery } from '@tanstack/react-query'
import { Navigate, useRouterState } from '@tanstack/react-router'
import { asProblem } from '#api/problem.ts'
import { Frame } from '#shell/frame.tsx'
import { Failed, Loading } from '#shell/states.tsx'
import { whoAmIOptions } from '#shell/whoami.ts'

/** Shows the screens to who is signed in, and the sign-in to others, who then return to where they wanted. */
export function SignedIn() {
  const { data, error, refetch } = useQuery(whoAmIOptions())
  const wanted = useRouterState({ select: state => state.location.href })
  if (error !== null && asProblem(error).status === 401)
    return <Navigate to="/sign-in" search={{ to: wanted }} replace />
  if (data !== undefined) return <Frame />
  if (error !== null) return <Failed problem={asProblem(error)} retry={() => void refetch()} />
  return <Loading />
}
