import { Alert, Button, Group, List, Stack, Text } from '@mantine/core'
import { isUnreachable } from '#api/problem.ts'
import { PlainText } from '#format/plain-text.tsx'
import type { Sides, UploadEnd } from '#screens/backups/upload.ts'
import { HintText } from '#shell/hint.tsx'
import { ButtonLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** How an upload ended, and which side has the backup. */
export function UploadEnded({
  end,
  onAgain,
  onClose,
}: {
  end: UploadEnd
  onAgain: () => void
  onClose: () => void
}) {
  const { backups } = useWords()
  const words = backups.upload
  return (
    <Stack>
      <Ended end={end} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onAgain}>
          {words.again}
        </Button>
        {end.is === 'done' ? (
          <ButtonLink to="/backups/$id" params={{ id: end.backupId }}>
            {words.toBackup}
          </ButtonLink>
        ) : (
          <Button onClick={onClose}>{words.close}</Button>
        )}
      </Group>
    </Stack>
  )
}

function Ended({ end }: { end: UploadEnd }) {
  const { backups } = useWords()
  const words = backups.upload
  switch (end.is) {
    case 'done':
      return (
        <Alert color="teal" variant="light" title={words.done} role="status">
          <BothSides sides={end.sides} />
        </Alert>
      )
    case 'cancelled':
      return (
        <Alert color="yellow" variant="light" role="status">
          {words.cancelled}
        </Alert>
      )
    case 'failed':
      return (
        <Alert color="red" variant="light" title={words.failed} role="alert">
          <Stack gap="xs">
            <Text size="sm">
              {isUnreachable(end.problem) ? words.unreachable : <PlainText>{end.problem.message}</PlainText>}
            </Text>
            <HintText hint={end.problem.hint} />
            {end.sides === undefined ? null : <BothSides sides={end.sides} />}
          </Stack>
        </Alert>
      )
  }
}

function BothSides({ sides: { chat, catalog } }: { sides: Sides }) {
  const { upload: words } = useWords().backups
  return (
    <List size="sm">
      <List.Item>
        {words.inChat}: {chat ? words.yes : words.no}
      </List.Item>
      <List.Item>
        {words.inCatalog}: {catalog ? words.yes : words.no}
      </List.Item>
    </List>
  )
}
