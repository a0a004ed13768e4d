import { Title } from '@mantine/core'
import { useWords } from '#words/language.tsx'

export function PeopleScreen() {
  const { shell } = useWords()
  return <Title order={1}>{shell.people}</Title>
}
