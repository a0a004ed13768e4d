import { Alert, Stack, Text } from '@mantine/core'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { LongTable } from '#screens/backup/long-table.tsx'
import { LongText } from '#shell/long-text.tsx'
import { useWords } from '#words/language.tsx'

/** What is wrong with a backup, and what to do. */
export function BackupTroubles({ backup: found }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const format = useFormat()
  const { state, error, damaged_at, missing_files = 0, missing } = found
  return (
    <>
      {state !== 'failed' ? null : (
        <Alert color="red" variant="light" title={backup.failed}>
          <Stack gap="xs">
            {error === null ? null : (
              <Text size="sm">
                <LongText>{error}</LongText>
              </Text>
            )}
            <Text size="sm">{backup.failedHint}</Text>
          </Stack>
        </Alert>
      )}
      {damaged_at === null || state !== 'complete' ? null : (
        <Alert color="red" variant="light" title={backup.damaged}>
          <Stack gap="xs">
            <Text size="sm">{backup.damagedHint(format.time(damaged_at))}</Text>
            <DamageFound backup={found} />
          </Stack>
        </Alert>
      )}
      {state === 'erased' ? (
        <Alert color="gray" variant="light">
          {backup.erased}
        </Alert>
      ) : null}
      {missing_files === 0 ? null : (
        <Alert color="orange" variant="light" title={backup.missing(missing_files)}>
          <Stack gap="xs">
            <Text size="sm">{backup.missingHint}</Text>
            <LongTable
              caption={backup.missingTable}
              columns={[
                {
                  key: 'path',
                  header: backup.path,
                  label: backup.path,
                  cell: ({ path }) => <LongText>{path}</LongText>,
                },
                {
                  key: 'reason',
                  header: backup.reason,
                  label: backup.reason,
                  cell: ({ reason }) => <PlainText>{reason}</PlainText>,
                },
              ]}
              rows={missing}
              keyOf={({ path }) => path}
            />
          </Stack>
        </Alert>
      )}
    </>
  )
}

/** What the last event of damage says. */
function DamageFound({ backup: { history } }: { backup: BackupDetails }) {
  const words = history.findLast(({ event }) => event === 'damaged')?.details['error']
  if (typeof words !== 'string') return null
  return (
    <Text size="sm">
      <LongText>{words}</LongText>
    </Text>
  )
}
