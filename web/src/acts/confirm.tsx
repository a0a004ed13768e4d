import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useWords } from '#words/language.tsx'

/** Says what an act will do, and asks whether to do it. */
export function Confirm({
  title,
  children,
  words,
  isRunning,
  confirm,
  close,
}: {
  title: ReactNode
  children: ReactNode
  words: { confirm: string; cancel: string }
  isRunning: boolean
  confirm: () => void
  close: () => void
}) {
  const { states } = useWords()
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': states.close }}>
      <Stack>
        <Text size="sm" component="div">
          {children}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            {words.cancel}
          </Button>
          <Button color="red" loading={isRunning} onClick={confirm}>
            {words.confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
