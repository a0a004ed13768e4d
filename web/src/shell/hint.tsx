import { Text } from '@mantine/core'
import { hintOnPage } from '#format/hint-on-page.ts'
import { PlainText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** What to do next, in the words of the API; nothing if it says nothing. */
export function HintText({ hint }: { hint: string | null | undefined }) {
  const words = useWords()
  if (hint === null || hint === undefined) return null
  return (
    <Text size="sm">
      <PlainText>{hintOnPage(hint, words)}</PlainText>
    </Text>
  )
}
