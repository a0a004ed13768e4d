import { Stack, Text } from '@mantine/core'
import type { SourceOverview } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { Time } from '#format/time.tsx'
import styles from '#screens/overview/overview.module.css'
import { nameIdOf } from '#screens/overview/source-name.ts'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** The age of the newest good backup against the limit of its source. */
export function NewestBackup({ source: of }: { source: SourceOverview }) {
  const { source, project_id, last_good, limit_hours } = of
  const { overview } = useWords()
  const format = useFormat()
  return (
    <Stack gap={2}>
      {last_good === null ? (
        <Text size="sm" fw={600} className={styles.state} data-state="broken">
          {overview.none}
        </Text>
      ) : (
        <AnchorLink to="/backups/$id" params={{ id: last_good.id }} size="sm">
          <Time at={last_good.created_at} isRelative />
        </AnchorLink>
      )}
      <Text size="xs" c="dimmed">
        {limit_hours === null ? overview.noLimit : overview.limit(format.span(limit_hours * 3_600))}
      </Text>
      {source === null ? null : (
        <AnchorLink
          to="/backups"
          search={{ source, ...(project_id !== null && { project: project_id }) }}
          size="xs"
          aria-describedby={nameIdOf(of)}
        >
          {overview.allBackups}
        </AnchorLink>
      )}
    </Stack>
  )
}
