import { NoPasskey } from '#acts/passkey.ts'
import { asProblem } from '#api/problem.ts'
import { useSignInProblem } from '#shell/sign-in-problem.ts'
import { useWords } from '#words/language.tsx'

/** What a person reads whose passkey did not work; undefined without an error. */
export function usePasskeyProblem(
  error: unknown,
  code: 'UNAUTHENTICATED' | 'FORBIDDEN',
): { title: string; text?: string | undefined } | undefined {
  const { passkey } = useWords().signIn
  const isNone = error instanceof NoPasskey
  const problem = useSignInProblem(error === undefined || isNone ? undefined : asProblem(error), {
    ...{ code, title: passkey.wrong, text: passkey.wrongHint },
  })
  if (!isNone) return problem
  return error.isKnown ? { title: passkey.known } : { title: passkey.refused, text: passkey.refusedHint }
}
