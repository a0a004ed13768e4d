import { hashKey, QueryCache, QueryClient } from '@tanstack/react-query'
import { getWhoAmIQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { asProblem, isUnreachable } from '#api/problem.ts'

/** Answers stay fresh until the stream of events says otherwise; without it, for so long. */
const FRESH_MS = 30_000

export function createQueryClient(): QueryClient {
  const queryClient: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const isWhoAmI = query.queryHash === hashKey(getWhoAmIQueryKey())
        // The session has ended: the frame shows the sign-in.
        if (asProblem(error).status === 401 && !isWhoAmI)
          void queryClient.invalidateQueries({ queryKey: getWhoAmIQueryKey() })
      },
    }),
    defaultOptions: {
      queries: {
        // The server may be on this very machine: a browser that is offline can reach it.
        networkMode: 'always',
        staleTime: FRESH_MS,
        refetchOnWindowFocus: true,
        retry: (failures, error) => {
          const problem = asProblem(error)
          return (isUnreachable(problem) || problem.status >= 502) && failures < 3
        },
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
  return queryClient
}
