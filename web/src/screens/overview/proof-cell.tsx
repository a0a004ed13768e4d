import { Stack, Text } from '@mantine/core'
import type { SourceOverview } from '#api/generated/types.gen.ts'
import { Time } from '#format/time.tsx'
import styles from '#screens/overview/overview.module.css'
import { AnchorLink } from '#shell/links.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** How far the last proof looked, and when. */
export function ProofCell({ proof: { depth, at, ok, drill_id } }: Pick<SourceOverview, 'proof'>) {
  const { overview } = useWords()
  if (at === null) {
    return (
      <Text size="sm" c="dimmed">
        {overview.depths.none}
      </Text>
    )
  }
  return (
    <Stack gap={2}>
      {ok === false ? (
        <Text size="sm" fw={600} className={styles.state} data-state="broken">
          {overview.proofFailed}
        </Text>
      ) : (
        <Text size="sm">{wordOf(overview.depths, depth)}</Text>
      )}
      <Text size="xs" c="dimmed" component="span">
        <Time at={at} isRelative />
      </Text>
      {drill_id === null ? null : (
        <AnchorLink to="/proof/$id" params={{ id: drill_id }} size="xs">
          {overview.toDrill}
        </AnchorLink>
      )}
    </Stack>
  )
}
