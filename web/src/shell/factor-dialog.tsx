import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { answerFactor } from '#acts/factor.ts'
import { renewFactor } from '#api/generated/sdk.gen.ts'
import { type ApiProblem, asProblem } from '#api/problem.ts'
import { PasskeyAgain } from '#shell/passkey-again.tsx'
import { PasswordField } from '#shell/password-field.tsx'
import { ProviderAgain } from '#shell/provider-again.tsx'
import { SignInAlert } from '#shell/sign-in-alert.tsx'
import { useSignInProblem } from '#shell/sign-in-problem.ts'
import { useWhoAmI, whoAmIOptions } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Asks for the password before an act that gives away rights or cannot be undone. */
export function FactorDialog() {
  const { people, signIn } = useWords()
  const who = useWhoAmI()
  const hasPassword = who.kind === 'person' && who.has_password
  const isFromProvider = who.factors.some(factor => factor === 'oidc')
  return (
    <Modal
      opened
      onClose={() => answerFactor(false)}
      title={signIn.again.title}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      {hasPassword ? (
        <Stack>
          <PasswordForm name={who.who} />
          <PasskeyAgain />
          <ProviderAgain />
        </Stack>
      ) : (
        <Stack>
          <Text size="sm">{isFromProvider ? signIn.again.text : signIn.again.without}</Text>
          <PasskeyAgain />
          <ProviderAgain />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => answerFactor(false)}>
              {signIn.again.cancel}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}

function PasswordForm({ name }: { name: string }) {
  const { signIn } = useWords()
  const queryClient = useQueryClient()
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const [isChecking, setChecking] = useState(false)
  const words = useSignInProblem(problem, { code: 'FORBIDDEN', title: signIn.again.wrong })
  const check = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setChecking(true)
    try {
      const { data } = await renewFactor({ body: { password } })
      queryClient.setQueryData(whoAmIOptions().queryKey, data)
      answerFactor(true)
    } catch (error) {
      const found = asProblem(error)
      if (found.status === 401) {
        // The session has ended: the frame shows the sign-in.
        answerFactor(false)
        void queryClient.invalidateQueries(whoAmIOptions())
      }
      setProblem(found)
      setPassword('')
      setChecking(false)
    }
  }
  return (
    <form onSubmit={event => void check(event)}>
      <Stack>
        <Text size="sm">{signIn.again.text}</Text>
        {/* For password managers. */}
        <input type="text" autoComplete="username" value={name} readOnly hidden />
        <PasswordField
          label={signIn.password}
          value={password}
          onChange={event => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          data-autofocus
          required
          withAsterisk={false}
        />
        {words === undefined ? null : <SignInAlert {...words} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => answerFactor(false)}>
            {signIn.again.cancel}
          </Button>
          <Button type="submit" loading={isChecking} disabled={password === ''}>
            {signIn.again.button}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
