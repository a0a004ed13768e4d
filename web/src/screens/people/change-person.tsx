import { Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { FormDialog } from '#acts/form-dialog.tsx'
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
  return (
    <FormDialog
      title={people.person.changeTitle(visibleText(person.name))}
      words={{ submit: people.person.save, cancel: people.cancel }}
      isReady={role !== person.role || project.trim() !== (person.project_id ?? '')}
      isRunning={change.isRunning}
      submit={() => void change.run().then(isDone => isDone && close())}
      close={close}
    >
      <RoleInput value={role} onChange={setRole} />
      <ProjectInput value={project} onChange={setProject} hint={people.person.projectHint} />
      <Text size="sm" c="dimmed">
        {people.person.changeHint}
      </Text>
    </FormDialog>
  )
}
