import { Alert, Button, CopyButton, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import type { ReactNode } from 'react'
import { useWords } from '#words/language.tsx'

/** A link or a key: the only time that it is shown. */
export function SecretOnce({
  title,
  text,
  label,
  secret,
  close,
  children,
}: {
  title: string
  text: string
  label: string
  secret: string
  close: () => void
  children?: ReactNode
}) {
  const { people } = useWords()
  return (
    <Modal
      opened
      onClose={close}
      title={title}
      size="lg"
      // A click beside it would lose what is shown once.
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      <Stack>
        <Alert color="yellow" variant="light">
          {text}
        </Alert>
        <Textarea
          label={label}
          value={secret}
          readOnly
          autosize
          data-autofocus
          ff="monospace"
          onFocus={event => event.currentTarget.select()}
        />
        {children === undefined ? null : (
          <Text size="sm" component="div">
            {children}
          </Text>
        )}
        <Group justify="flex-end">
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button onClick={copy} color={copied ? 'teal' : undefined} aria-live="polite">
                {copied ? people.copied : people.copy}
              </Button>
            )}
          </CopyButton>
          <Button variant="default" onClick={close}>
            {people.close}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
