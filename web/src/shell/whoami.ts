import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import { getWhoAmIOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { WhoAmI } from '#api/generated/types.gen.ts'

export type Scope = 'read' | 'backup' | 'restore' | 'admin'

/** Who is signed in. The frame has asked before any screen is shown. */
export function whoAmIOptions() {
  return queryOptions({ ...getWhoAmIOptions(), staleTime: 60_000 })
}

/**
 * Whether `serve` knew, when it was asked for the page, that nobody is signed in. Then nothing is asked that
 * would be refused; signing in gives the answer that is waited for.
 */
export function wasSignedOut(): boolean {
  return document.querySelector<HTMLMetaElement>('meta[name="session"]')?.content === 'none'
}

export function useWhoAmI(): WhoAmI {
  return useSuspenseQuery(whoAmIOptions()).data
}

/** Whether the person may do what needs the scope. The server asks again. */
export function useMay(scope: Scope): boolean {
  const { scopes } = useWhoAmI()
  return scopes.includes(scope) || scopes.includes('admin')
}
