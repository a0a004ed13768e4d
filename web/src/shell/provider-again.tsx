import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { say } from '#acts/notices.ts'
import { goToProvider } from '#acts/provider.ts'
import { listProvidersOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { asProblem } from '#api/problem.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** For a person who came from a provider: goes there once more, and comes back to this screen. */
export function ProviderAgain() {
  const { signIn } = useWords()
  const { factors } = useWhoAmI()
  const router = useRouter()
  const isFromProvider = factors.some(factor => factor === 'oidc')
  const { data } = useQuery({ ...listProvidersOptions(), enabled: isFromProvider })
  const [running, setRunning] = useState<string>()
  if (!isFromProvider) return null
  const leave = async (name: string): Promise<void> => {
    setRunning(name)
    try {
      await goToProvider(name, { to: router.state.location.href, isAgain: true })
    } catch (error) {
      say({ text: visibleText(asProblem(error).message), isGood: false })
      setRunning(undefined)
    }
  }
  return (data?.items ?? []).map(({ name, title }) => (
    <Button
      key={name}
      variant="default"
      loading={running === name}
      disabled={running !== undefined}
      onClick={() => void leave(name)}
    >
      {signIn.provider.again(visibleText(title))}
    </Button>
  ))
}
