import { Group, Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { getBackupOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { BackupActs } from '#screens/backup/backup-acts.tsx'
import { BackupFacts } from '#screens/backup/backup-facts.tsx'
import { BackupFiles } from '#screens/backup/backup-files.tsx'
import { BackupHistory } from '#screens/backup/backup-history.tsx'
import { BackupMessages } from '#screens/backup/backup-messages.tsx'
import { BackupRestores } from '#screens/backup/backup-restores.tsx'
import { BackupRetention } from '#screens/backup/backup-retention.tsx'
import { BackupTroubles } from '#screens/backup/backup-troubles.tsx'
import { BackupVerifications } from '#screens/backup/backup-verifications.tsx'
import { BackupWork } from '#screens/backup/backup-work.tsx'
import { BackupMarks } from '#screens/backups/backup-marks.tsx'
import { backupName } from '#screens/backups/backup-name.ts'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

export function BackupScreen() {
  const { id } = useParams({ from: '/signed-in/backups/$id' })
  const query = useQuery(getBackupOptions({ path: { id } }))
  return <QueryView query={query}>{found => <Found backup={found} />}</QueryView>
}

function Found({ backup: found }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const format = useFormat()
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Group gap="sm" justify="space-between">
          <Title order={1}>
            <PlainText>{backup.ofSource(backupName(found), format.time(found.created_at))}</PlainText>
          </Title>
          <BackupMarks backup={found} />
        </Group>
        <BackupActs backup={found} />
      </Stack>
      <BackupWork backup={found} />
      <BackupTroubles backup={found} />
      <BackupFacts backup={found} />
      <BackupFiles backup={found} />
      <BackupRetention backup={found} />
      <BackupVerifications backup={found} />
      <BackupRestores backup={found} />
      <BackupMessages backup={found} />
      <BackupHistory backup={found} />
    </Stack>
  )
}
