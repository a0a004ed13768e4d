import { Title } from '@mantine/core'
import { useWords } from '#words/language.tsx'

export function AuditScreen() {
  const { shell } = useWords()
  return <Title order={1}>{shell.audit}</Title>
}
