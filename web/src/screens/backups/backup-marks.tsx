import { Badge, Group } from '@mantine/core'
import type { Backup } from '#api/generated/types.gen.ts'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const COLORS: Readonly<Record<Backup['state'], string>> = {
  sending: 'blue',
  complete: 'teal',
  failed: 'red',
  erasing: 'orange',
  erased: 'gray',
}

/** The state of a backup, and what else counts at a glance: damage, a pin, missing files. */
export function BackupMarks({
  backup: { state, damaged_at, pinned_at, missing_files = 0 },
}: {
  backup: Pick<Backup, 'state' | 'damaged_at' | 'pinned_at' | 'missing_files'>
}) {
  const { backups } = useWords()
  return (
    <Group gap={6} component="span">
      <Badge variant="light" color={lookOf(COLORS, state, 'gray')} tt="none">
        {wordOf(backups.states, state)}
      </Badge>
      {damaged_at === null ? null : (
        <Badge color="red" tt="none">
          {backups.damaged}
        </Badge>
      )}
      {missing_files === 0 ? null : (
        <Badge variant="light" color="orange" tt="none">
          {backups.missingFiles(missing_files)}
        </Badge>
      )}
      {pinned_at === null ? null : (
        <Badge variant="outline" color="gray" tt="none">
          {backups.pinned}
        </Badge>
      )}
    </Group>
  )
}
