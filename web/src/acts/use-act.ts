import { useCallback, useState } from 'react'
import { askForFactor } from '#acts/factor.ts'
import { say } from '#acts/notices.ts'
import { type ApiProblem, asProblem } from '#api/problem.ts'
import { visibleText } from '#format/plain-text.tsx'

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
 */
export function useAct<Asked extends unknown[]>(
  work: (...asked: Asked) => Promise<unknown>,
  done?: string,
): Act<Asked> {
  const [isRunning, setRunning] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const run = useCallback(
    async (...asked: Asked): Promise<boolean> => {
      setRunning(true)
      setProblem(undefined)
      try {
        try {
          await work(...asked)
        } catch (error) {
          if (asProblem(error).code !== 'FACTOR_NEEDED') throw error
          if (!(await askForFactor())) return false
          await work(...asked)
        }
        if (done !== undefined) say({ message: done, color: 'teal' })
        return true
      } catch (error) {
        const found = asProblem(error)
        setProblem(found)
        const message = [found.message, found.hint].filter(text => text !== undefined).join('. ')
        say({ message: visibleText(message), color: 'red', autoClose: 15_000 })
        return false
      } finally {
        setRunning(false)
      }
    },
    [work, done],
  )
  return { run, isRunning, problem }
}
