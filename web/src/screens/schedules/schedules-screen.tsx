import { Title } from '@mantine/core'
import { useWords } from '#words/language.tsx'

export function SchedulesScreen() {
  const { shell } = useWords()
  return <Title order={1}>{shell.schedules}</Title>
}
