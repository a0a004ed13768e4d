import { Title } from '@mantine/core'
import { useWords } from '#words/language.tsx'

export function BackupsScreen() {
  const { shell } = useWords()
  return <Title order={1}>{shell.backups}</Title>
}
