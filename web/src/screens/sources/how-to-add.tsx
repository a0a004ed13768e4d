import { Code, Stack, Text } from '@mantine/core'
import { useWords } from '#words/language.tsx'

const EXAMPLE = `sources:
  shop:
    project: shop
    type: database
    postgres: "postgresql://backup@db.example.com/shop"
  uploads:
    project: shop
    type: storage
    directory: /srv/shop/uploads
targets:
  staging:
    postgres: "postgresql://restore@db.example.com/staging"
    project: shop`

/** The page cannot add sources: what to write into the file instead. */
export function HowToAdd({ isOpen }: { isOpen: boolean }) {
  const { sources } = useWords()
  return (
    <details open={isOpen}>
      <summary>{sources.adding}</summary>
      <Stack gap="xs" mt="xs">
        <Text size="sm">{sources.addingSays}</Text>
        <Code block tabIndex={0}>
          {EXAMPLE}
        </Code>
        <Text size="sm">
          {sources.addingThen} <Code>telegram-backup config check</Code>
        </Text>
      </Stack>
    </details>
  )
}
