import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { Folder } from '#screens/backup/folder-list.tsx'
import { restoreFormOf } from '#screens/restore/restore-form.ts'
import { Section } from '#shell/section.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** The files of a directory backup, a folder at a time, each with its download. */
export function BackupFiles({ backup: found }: { backup: BackupDetails }) {
  const { backup, shell } = useWords()
  const mayRestore = useMay('restore')
  const [isShown, setShown] = useState(false)
  const { files: words } = backup
  if (found.state !== 'complete' || restoreFormOf(found) !== 'directory') return null
  return (
    <Section title={words.title}>
      {!mayRestore ? (
        <Text c="dimmed">{words.role(shell.roles.restorer)}</Text>
      ) : isShown ? (
        <Files id={found.id} />
      ) : (
        <Stack gap="xs" align="flex-start">
          <Text size="sm" c="dimmed">
            {words.hint}
          </Text>
          <Button variant="default" onClick={() => setShown(true)}>
            {words.show}
          </Button>
        </Stack>
      )}
    </Section>
  )
}

function Files({ id }: { id: string }) {
  const { files: words } = useWords().backup
  const [typed, setTyped] = useState('')
  const [search, setSearch] = useState('')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setSearch(typed.trim())
  }
  const clear = (): void => {
    setTyped('')
    setSearch('')
  }
  return (
    <Stack gap="sm">
      <search>
        <form onSubmit={submit}>
          <Group gap="sm" align="flex-end">
            <TextInput
              label={words.search}
              value={typed}
              onChange={event => setTyped(event.currentTarget.value)}
              maxLength={200}
              autoCapitalize="none"
              spellCheck={false}
            />
            <Button type="submit" variant="default">
              {words.find}
            </Button>
            {search === '' ? null : (
              <Button variant="default" onClick={clear}>
                {words.allFiles}
              </Button>
            )}
          </Group>
        </form>
      </search>
      <Folder key={search} id={id} path="" {...(search !== '' && { search })} />
      <Text size="sm" c="dimmed">
        {words.wholeFolder}
      </Text>
    </Stack>
  )
}
