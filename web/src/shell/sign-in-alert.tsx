import { Alert, Text } from '@mantine/core'

/** Why somebody is not let in. It has no label: its words would be taken for those of the field. */
export function SignInAlert({ title, text }: { title: string; text?: string | undefined }) {
  return (
    <Alert color="red" variant="light" role="alert">
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {text === undefined ? null : <Text size="sm">{text}</Text>}
    </Alert>
  )
}
