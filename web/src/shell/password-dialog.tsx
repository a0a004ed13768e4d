import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { setPassword } from '#api/generated/sdk.gen.ts'
import { NewPassword } from '#shell/new-password.tsx'
import { isLongEnough } from '#shell/password-strength.ts'
import { useWhoAmI, whoAmIOptions } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Sets the password of the person who is signed in. */
export function PasswordDialog({ close }: { close: () => void }) {
  const { people, signIn } = useWords()
  const { account } = signIn
  const queryClient = useQueryClient()
  const who = useWhoAmI()
  const [password, setText] = useState('')
  const save = useAct(
    async (of: string) => {
      const { data } = await setPassword({ body: { password: of } })
      queryClient.setQueryData(whoAmIOptions().queryKey, data)
    },
    account.saved,
    { needsFactor: true },
  )
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (await save.run(password)) close()
  }
  const hadPassword = who.kind === 'person' && who.has_password
  return (
    <Modal
      opened
      onClose={close}
      title={hadPassword ? account.changePassword : account.setPassword}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      <form onSubmit={event => void submit(event)}>
        <Stack>
          <input type="text" autoComplete="username" value={who.who} readOnly hidden />
          <NewPassword label={account.newPassword} value={password} onChange={setText} isFirst />
          <Text size="sm" c="dimmed">
            {account.passwordHint}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {signIn.again.cancel}
            </Button>
            <Button type="submit" loading={save.isRunning} disabled={!isLongEnough(password)}>
              {account.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
