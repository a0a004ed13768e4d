import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef, useState } from 'react'
import { askForFactor } from '#acts/factor.ts'
import { say } from '#acts/notices.ts'
import { getWhoAmIQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import type { WhoAmI } from '#api/generated/types.gen.ts'
import { type ApiProblem, asProblem, isUnreachable } from '#api/problem.ts'
import { currentTime } from '#format/clock.ts'
import { hintOnPage } from '#format/hint-on-page.ts'
import { visibleText } from '#format/plain-text.tsx'
import type { Words } from '#words/en/index.ts'
import { useWords } from '#words/language.tsx'

/** A second click comes within that: the act would be done twice, and its button flicker. */
const AT_LEAST_MS = 500

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
  const queryClient = useQueryClient()
  const words = useWords()
  const underWay = useRef(false)
  const [isRunning, setRunning] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const run = useCallback(
    async (...asked: Asked): Promise<boolean> => {
      if (underWay.current) return false
      underWay.current = true
      const end = Date.now() + AT_LEAST_MS
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
        say({ text: sentenceOf(found, words), isGood: false })
        return false
      } finally {
        setTimeout(() => {
          underWay.current = false
          setRunning(false)
        }, end - Date.now())
      }
    },
    [work, done, needsFactor, queryClient, words],
  )
  return { run, isRunning, problem }
}

/** By what the page knows; the server decides. */
function isFactorOld(queryClient: QueryClient): boolean {
  const who = queryClient.getQueryData<WhoAmI>(getWhoAmIQueryKey())
  if (who?.kind !== 'person') return false
  return who.factor_until === null || Date.parse(who.factor_until) <= currentTime()
}

/** What happened, and what to do next. */
function sentenceOf(problem: ApiProblem, words: Words): string {
  if (isUnreachable(problem)) return words.states.noAnswer
  const { message, hint } = problem
  return visibleText(hint === undefined ? message : `${message}. ${hintOnPage(hint, words)}`)
}
