import { Stack, Text, Title } from '@mantine/core'
import { DrillList } from '#screens/proof/drill-list.tsx'
import { ProvenTable } from '#screens/proof/proven-table.tsx'
import { useWords } from '#words/language.tsx'

/** Which backups were proven to be restorable, and how. */
export function ProofScreen() {
  const { proof } = useWords()
  return (
    <Stack>
      <Title order={1}>{proof.title}</Title>
      <Text c="dimmed" maw="60rem">
        {proof.text}
      </Text>
      <Title order={2} size="h3">
        {proof.sources}
      </Title>
      <ProvenTable />
      <Title order={2} size="h3" mt="md">
        {proof.drills.title}
      </Title>
      <DrillList />
    </Stack>
  )
}
