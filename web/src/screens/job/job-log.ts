import { type QueryClient, type QueryKey, queryOptions } from '@tanstack/react-query'
import { getJobLogQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { getJobLog } from '#api/generated/sdk.gen.ts'
import type { JobLog } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'

export type LogLine = JobLog['items'][number]

/** The log so far, and where its last page begins, which may have grown. */
interface ReadLog {
  lines: readonly LogLine[]
  lastPage: { cursor: string | undefined; before: number }
}

const PAGE = 500

/**
 * The whole log of a job. Each time it reads on from its last page only: a log may have ten thousands of
 * lines, and a running job writes all the time.
 */
export function jobLogOptions(queryClient: QueryClient, id: string) {
  const path = { id }
  const queryKey: QueryKey = getJobLogQueryKey({ path })
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }): Promise<ReadLog> => {
      const known = queryClient.getQueryData<ReadLog>(queryKey)
      let { cursor, before } = known?.lastPage ?? { cursor: undefined, before: 0 }
      const lines = known?.lines.slice(0, before) ?? []
      for (;;) {
        const { data } = await getJobLog({ path, query: { cursor, limit: PAGE }, signal })
        before = lines.length
        lines.push(...data.items)
        if (data.next_cursor === null) return { lines, lastPage: { cursor, before } }
        cursor = data.next_cursor
      }
    },
  })
}

/** The log as a text file, in UTC; a terminal that shows it obeys nothing that is in it. */
export function logText(lines: readonly LogLine[]): string {
  return lines
    .map(({ at, stage, level, text }) => `${at} ${stage} ${level} ${visibleText(text, true)}\n`)
    .join('')
}
