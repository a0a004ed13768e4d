import { Title } from '@mantine/core'
import { useWords } from '#words/language.tsx'

export function DrillScreen() {
  const { shell } = useWords()
  return <Title order={1}>{shell.proof}</Title>
}
