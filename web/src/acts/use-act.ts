import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { askForFactor } from '#acts/factor.ts'
import { say } from '#acts/notices.ts'
import { getWhoAmIQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'

import type { WhoAmI } from '#api/generated/types.gen.ts'
import { type ApiProblem, asProblem, isUnreachable } from '#api/problem.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** One thing that a person does, such as erasing a backup. */
export interface Act<Asked extends unknown[]> {
  /** Resolves to whether it was done. A failure is shown to the person. */
  run(...asked: Asked): Promise<boolean>
  isRunning: boolean
  /** Of the last run. */
  problem: ApiProblem | undefined
}

/**
 * Runs something that changes something, once at a time, and says how it went. What needs the person’s factor
 * again asks for it and goes on (see `acts/factor.ts`).
 * @param done what to say when it is done; nothing for undefined
 * @param options `needsFactor`: it is asked for before the server would refuse, where it is too old
 */
export function useAct<Asked extends unknown[]>(
  work: (...asked: Asked) => Promise<unknown>,
  done?: string,
  { needsFactor = false }: { needsFactor?: boolean } = {},
): Act<Asked> {
  const { noAnswer } = useWords().states
  const queryClient = useQueryClient()
  const [isRunning, setRunning] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const run = useCallback(
    async (...asked: Asked): Promise<boolean> => {
      setRunning(true)
      setProblem(undefined)
      try {
        if (needsFactor && isFactorOld(queryClient) && !(await askForFactor())) return false
        try {
          await work(...asked)
        } catch (error) {
          if (asProblem(error).code !== 'FACTOR_NEEDED') throw error
          if (!(await askForFactor())) return false
          await work(...asked)
        }
        if (done !== undefined) say({ text: done, isGood: true })
        return true
      } catch (error) {
        const found = asProblem(error)
        setProblem(found)
        // The session has ended: the frame shows the sign-in.
        if (found.status === 401) void queryClient.invalidateQueries({ queryKey: getWhoAmIQueryKey() })
        say({ text: isUnreachable(found) ? noAnswer : problemText(found), isGood: false })
        return false
      } finally {
        setRunning(false)
      }
    },
    [work, done, needsFactor, queryClient, noAnswer],
  )
  return { run, isRunning, problem }
}

/** By what the page knows; the server decides. */
function isFactorOld(queryClient: QueryClient): boolean {
  const who = queryClient.getQueryData<WhoAmI>(getWhoAmIQueryKey())
  if (who?.kind !== 'person') return false
  return who.factor_until === null || Date.parse(who.factor_until) <= Date.now()
}

/** What went wrong and what to do next, in the words of the API. */
function problemText({ message, hint }: ApiProblem): string {
  return visibleText([message, hint].filter(text => text !== undefined).join('. '))
}
