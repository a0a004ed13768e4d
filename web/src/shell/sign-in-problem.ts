import { type ApiProblem, isUnreachable } from '#api/problem.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/**
 * What a person who tries to sign in reads instead of the words for programs; undefined without a problem.
 * @param wrong how the server says that what was given is wrong, and the words for it
 */
export function useSignInProblem(
  problem: ApiProblem | undefined,
  wrong: { code: 'UNAUTHENTICATED' | 'FORBIDDEN'; title: string; text?: string },
): { title: string; text?: string | undefined } | undefined {
  const { signIn } = useWords()
  const format = useFormat()
  if (problem === undefined) return undefined
  const { problems } = signIn
  const { status, code, message, hint, retryAfterSeconds } = problem
  if (isUnreachable(problem)) return { title: problems.noAnswer }
  if (code === wrong.code) return { title: wrong.title, text: wrong.text }
  if (code === 'TLS_NEEDED') return { title: problems.clearText, text: problems.clearTextHint }
  if (status === 429) {
    return { title: problems.tooMany, text: problems.wait(format.seconds(retryAfterSeconds ?? 60)) }
  }
  return { title: visibleText(message), text: hint === undefined ? undefined : visibleText(hint) }
}
