import { Stack, Text } from '@mantine/core'
import type { Reason, SourceOverview } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import styles from '#screens/overview/overview.module.css'
import { ReasonText } from '#screens/overview/reason.tsx'
import { nameIdOf } from '#screens/overview/source-name.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** Name, project and type of a source, and why its state is what it is. */
export function SourceCell({ source }: { source: SourceOverview }) {
  const { backups, overview } = useWords()
  const { source: name, project_id, type } = source
  const reasons = source.reasons.filter(isNews)
  return (
    <Stack gap={4} className={styles.source}>
      <Text fw={600} size="sm" id={nameIdOf(source)}>
        {name === null ? overview.byHand : <PlainText>{name}</PlainText>}
      </Text>
      {project_id === null ? null : (
        <Text size="xs" c="dimmed">
          <PlainText>{project_id}</PlainText>
          {type === null ? '' : ` · ${wordOf(backups.types, type)}`}
        </Text>
      )}
      {reasons.length === 0 ? null : (
        <ul className={styles.reasons}>
          {reasons.map(reason => (
            <li key={reason.code}>
              <ReasonText reason={reason} />
            </li>
          ))}
        </ul>
      )}
    </Stack>
  )
}

/** Where there is no good backup, none within the limit is no further news. */
function isNews({ code }: Reason, _: number, all: readonly Reason[]): boolean {
  return code !== 'backup_overdue' || all.every(other => other.code !== 'no_backup')
}
