import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { addPerson } from '#api/generated/sdk.gen.ts'
import type { Invited } from '#api/generated/types.gen.ts'
import { ProjectInput } from '#screens/people/project-input.tsx'
import { type Role, RoleInput } from '#screens/people/role-input.tsx'
import { useWords } from '#words/language.tsx'

export function AddPerson({ added, close }: { added: (person: Invited) => void; close: () => void }) {
  const { people } = useWords()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [project, setProject] = useState('')
  const add = useAct(
    async () => {
      const { data } = await addPerson({
        body: { name: name.trim(), role, ...(project.trim() !== '' && { project_id: project.trim() }) },
      })
      added(data)
    },
    undefined,
    { needsFactor: true },
  )
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void add.run()
  }
  return (
    <Modal
      opened
      onClose={close}
      title={people.person.addTitle}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={people.name}
            description={people.person.nameHint}
            value={name}
            onChange={event => setName(event.currentTarget.value)}
            maxLength={64}
            autoComplete="off"
            data-autofocus
            required
            withAsterisk={false}
          />
          <RoleInput value={role} onChange={setRole} />
          <ProjectInput value={project} onChange={setProject} hint={people.person.projectHint} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {people.cancel}
            </Button>
            <Button type="submit" loading={add.isRunning} disabled={name.trim() === ''}>
              {people.person.addButton}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
