import { Button, Group, Modal, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'
import { useWords } from '#words/language.tsx'

/** Asks for what an act needs, in the inputs that are its children. */
export function FormDialog({
  title,
  children,
  words,
  isReady,
  isRunning,
  submit,
  close,
}: {
  title: ReactNode
  children: ReactNode
  words: { submit: string; cancel: string }
  /** Whether the inputs can be sent. */
  isReady: boolean
  isRunning: boolean
  submit: () => void
  close: () => void
}) {
  const { states } = useWords()
  const send = (event: FormEvent): void => {
    event.preventDefault()
    submit()
  }
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': states.close }}>
      <form onSubmit={send}>
        <Stack>
          {children}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {words.cancel}
            </Button>
            <Button type="submit" loading={isRunning} disabled={!isReady}>
              {words.submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
