import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import { getWhoAmIOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { WhoAmI } from '#api/generated/types.gen.ts'

export type Scope = 'read' | 'backup' | 'restore' | 'admin'

/** Who is signed in. The frame has asked before any screen is shown. */
export function whoAmIOptions() {
  return queryOptions({ ...getWhoAmIOptions(), staleTime: 60_000 })
}

export function useWhoAmI(): WhoAmI {
  return useSuspenseQuery(whoAmIOptions()).data
}

/** Whether the person may do what needs the scope. The server asks again. */
export function useMay(scope: Scope): boolean {
  const { scopes } = useWhoAmI()
  return scopes.includes(scope) || scopes.includes('admin')
}
