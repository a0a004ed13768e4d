import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answerFactor } from '#acts/factor.ts'
import { provePasskey, whyNoPasskeys } from '#acts/passkey.ts'
import { listPasskeysOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { renewFactor } from '#api/generated/sdk.gen.ts'
import { usePasskeyProblem } from '#shell/passkey-problem.ts'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { whoAmIOptions } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** For a person who has a passkey: proves with it again who they are. */
export function PasskeyAgain() {
  const { signIn } = useWords()
  const queryClient = useQueryClient()
  const { data } = useQuery(listPasskeysOptions())
  const [error, setError] = useState<unknown>()
  const [isRunning, setRunning] = useState(false)
  const problem = usePasskeyProblem(error, 'FORBIDDEN')
  if (whyNoPasskeys() !== undefined || data === undefined || data.items.length === 0) return null
  const prove = async (): Promise<void> => {
    setRunning(true)
    setError(undefined)
    try {
      const renewed = await renewFactor({ body: { passkey: await provePasskey() } })
      queryClient.setQueryData(whoAmIOptions().queryKey, renewed.data)
      answerFactor(true)
    } catch (thrown) {
      setError(thrown)
      setRunning(false)
    }
  }
  return (
    <>
      {problem === undefined ? null : <SignInAlert {...problem} />}
      <Button variant="default" loading={isRunning} onClick={() => void prove()}>
        {signIn.passkey.use}
      </Button>
    </>
  )
}
