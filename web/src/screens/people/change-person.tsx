import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { changePerson } from '#api/generated/sdk.gen.ts'
import type { Person } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { ProjectInput } from '#screens/people/project-input.tsx'
import { type Role, RoleInput } from '#screens/people/role-input.tsx'
import { useWhoAmI, whoAmIOptions } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

export function ChangePerson({ person, close }: { person: Person; close: () => void }) {
  const { people } = useWords()
  const queryClient = useQueryClient()
  const who = useWhoAmI()
  const [role, setRole] = useState<Role>(person.role)
  const [project, setProject] = useState(person.project_id ?? '')
  const change = useAct(
    async () => {
      const wanted = project.trim() === '' ? null : project.trim()
      await changePerson({
        path: { id: person.id },
        body: {
          ...(role !== person.role && { role }),
          ...(wanted !== person.project_id && { project_id: wanted }),
        },
      })
      if (who.kind === 'person' && who.id === person.id) await queryClient.invalidateQueries(whoAmIOptions())
    },
    people.person.changed,
    { needsFactor: true },
  )
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (await change.run()) close()
  }
  return (
    <Modal
      opened
      onClose={close}
      title={people.person.changeTitle(visibleText(person.name))}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      <form onSubmit={event => void submit(event)}>
        <Stack>
          <RoleInput value={role} onChange={setRole} />
          <ProjectInput value={project} onChange={setProject} hint={people.person.projectHint} />
          <Text size="sm" c="dimmed">
            {people.person.changeHint}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {people.cancel}
            </Button>
            <Button
              type="submit"
              loading={change.isRunning}
              disabled={role === person.role && project.trim() === (person.project_id ?? '')}
            >
              {people.person.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
