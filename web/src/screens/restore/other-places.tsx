import { Button, Code, Group, Stack, Text } from '@mantine/core'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { newTargetFor } from '#screens/restore/new-target.ts'
import { type RestoreForm, restoreFormOf } from '#screens/restore/restore-form.ts'
import { fetchCommand, restoreCommand } from '#screens/restore/same-act.ts'
import { CopyText } from '#shell/copy-text.tsx'
import { useWords } from '#words/language.tsx'

/** How to restore where no target of the list is: a new one, or by the command line. */
export function OtherPlaces({
  backup: found,
  taken,
  lookAgain,
  isLooking,
}: {
  backup: BackupDetails
  /** Names of targets that there are. */
  taken: readonly string[]
  lookAgain: () => void
  isLooking: boolean
}) {
  const { target: words } = useWords().restore
  const form = restoreFormOf(found)
  return (
    <Stack gap="xs">
      {form === 'file' ? (
        <Text size="sm">{words.noTargetTakesFiles}</Text>
      ) : (
        <NewTarget backup={found} taken={taken} form={form} lookAgain={lookAgain} isLooking={isLooking} />
      )}
      <Text size="sm">{words.byCommand[form]}</Text>
      <PlaceCommand backup={found} form={form} />
    </Stack>
  )
}

function NewTarget({
  backup: found,
  taken,
  form,
  lookAgain,
  isLooking,
}: {
  backup: BackupDetails
  /** Names of targets that there are. */
  taken: readonly string[]
  form: 'database' | 'directory'
  lookAgain: () => void
  isLooking: boolean
}) {
  const { target: words, confirm } = useWords().restore
  return (
    <>
      <Text size="sm">{words.write}</Text>
      <CopyText
        text={newTargetFor(found, taken).yaml[form]}
        copy={confirm.copy}
        copied={confirm.copied}
        label={words.writeLabel}
      />
      <Text size="sm">
        {form === 'database' ? words.complete : words.completeFolder}{' '}
        <Code>telegram-backup config check</Code>
      </Text>
      <Group>
        <Button variant="default" size="xs" loading={isLooking} onClick={lookAgain}>
          {words.lookAgain}
        </Button>
      </Group>
    </>
  )
}

function PlaceCommand({ backup: found, form }: { backup: BackupDetails; form: RestoreForm }) {
  const { copy, copied, command } = useWords().restore.confirm
  const { id, filename } = found
  const texts: Readonly<Record<RestoreForm, () => string>> = {
    database: () => restoreCommand(id, { to: newTargetFor(found).url, overwrite: false }),
    directory: () => restoreCommand(id, { to: './restored', overwrite: false }),
    file: () => fetchCommand(id, filename),
  }
  return <CopyText text={texts[form]()} copy={copy} copied={copied} label={command} />
}
