import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { FormDialog } from '#acts/form-dialog.tsx'
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
  return (
    <FormDialog
      title={people.person.addTitle}
      words={{ submit: people.person.addButton, cancel: people.cancel }}
      isReady={name.trim() !== ''}
      isRunning={add.isRunning}
      submit={() => void add.run()}
      close={close}
    >
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
    </FormDialog>
  )
}
