import { Button, Group } from '@mantine/core'
import { useRouterState } from '@tanstack/react-router'
import { useWords } from '#words/language.tsx'

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** The cursors of the pages before this one, newest first; '' is the first page. */
    newerPages?: string[]
  }
}

/** What the router goes to for a page of a list. */
interface Place {
  /** Undefined for the first page. */
  cursor: string | undefined
  state: { newerPages: string[] }
}

const NONE: string[] = []

/** The ways to the first page of a list, and to those beside this one, whose place is in the address. */
export function Pages({
  cursor,
  next,
  go,
}: {
  cursor: string | undefined
  /** Null: this is the last page. */
  next: string | null
  go: (place: Place) => void
}) {
  const { pages: words } = useWords().states
  // Cursors lead one way only; who came by the address alone goes back by the first page.
  const newerPages = useRouterState({ select: state => state.location.state.newerPages ?? NONE })
  if (cursor === undefined && next === null) return null
  const [newer, ...further] = newerPages
  const open = (to: string | null, pages: string[]): void =>
    go({ cursor: to || undefined, state: { newerPages: pages } })
  return (
    <Group component="nav" aria-label={words.label} justify="flex-end">
      <Button variant="default" disabled={cursor === undefined} onClick={() => open(null, [])}>
        {words.newest}
      </Button>
      {newer === undefined ? null : (
        <Button variant="default" onClick={() => open(newer, further)}>
          {words.newer}
        </Button>
      )}
      <Button
        variant="default"
        disabled={next === null}
        onClick={() => open(next, [cursor ?? '', ...newerPages])}
      >
        {words.older}
      </Button>
    </Group>
  )
}
