import { useQuery } from '@tanstack/react-query'
import { preflightRestore } from '#api/generated/sdk.gen.ts'

/** What a restore would do. The server looks at the target; it is asked again only when a person wants it. */
export function usePreflight({ id, target, overwrite }: { id: string; target: string; overwrite: boolean }) {
  return useQuery({
    queryKey: [{ _id: 'preflightRestore', id, target, overwrite }],
    queryFn: async ({ signal }) => {
      const { data } = await preflightRestore({
        path: { id },
        body: { target, ...(overwrite && { overwrite }) },
        signal,
      })
      return data
    },
    staleTime: 60_000,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
    retry: false,
  })
}
