import { Button, Group } from '@mantine/core'

/** The ways to the first and to the next page of a list whose place is in the address. */
export function Pages({
  words,
  cursor,
  next,
  go,
}: {
  words: { first: string; next: string }
  cursor: string | undefined
  /** Null: this is the last page. */
  next: string | null
  go: (cursor: string | undefined) => void
}) {
  if (cursor === undefined && next === null) return null
  return (
    <Group justify="center">
      <Button variant="default" disabled={cursor === undefined} onClick={() => go(undefined)}>
        {words.first}
      </Button>
      <Button variant="default" disabled={next === null} onClick={() => go(next ?? undefined)}>
        {words.next}
      </Button>
    </Group>
  )
}
