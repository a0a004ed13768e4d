import { Button, Checkbox, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { createKey } from '#api/generated/sdk.gen.ts'
import type { Key, NewKey } from '#api/generated/types.gen.ts'
import { ProjectInput } from '#screens/people/project-input.tsx'
import { useWords } from '#words/language.tsx'

type Scope = Key['scopes'][number]
const SCOPES: readonly Scope[] = ['read', 'backup', 'restore', 'admin']
const EXPIRIES = ['30d', '90d', '365d', 'never'] as const

export function CreateKey({ created, close }: { created: (key: NewKey) => void; close: () => void }) {
  const { people } = useWords()
  const { key: words } = people
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<readonly Scope[]>(['read'])
  const [project, setProject] = useState('')
  const [expires, setExpires] = useState<(typeof EXPIRIES)[number]>('90d')
  const create = useAct(
    async () => {
      const { data } = await createKey({
        body: {
          name: name.trim(),
          scopes: [...scopes],
          ...(project.trim() !== '' && { project_id: project.trim() }),
          ...(expires !== 'never' && { expires }),
        },
      })
      created(data)
    },
    undefined,
    { needsFactor: true },
  )
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void create.run()
  }
  return (
    <Modal opened onClose={close} title={words.createTitle} closeButtonProps={{ 'aria-label': people.close }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={people.name}
            description={words.nameHint}
            value={name}
            onChange={event => setName(event.currentTarget.value)}
            maxLength={100}
            autoComplete="off"
            data-autofocus
            required
            withAsterisk={false}
          />
          <Checkbox.Group
            label={words.scopes}
            value={[...scopes]}
            onChange={chosen => setScopes(SCOPES.filter(scope => chosen.includes(scope)))}
          >
            <Stack gap="xs" mt="xs">
              {SCOPES.map(scope => (
                <Checkbox key={scope} value={scope} label={words.scopeWords[scope]} />
              ))}
            </Stack>
          </Checkbox.Group>
          <ProjectInput value={project} onChange={setProject} hint={words.projectHint} />
          <Select
            label={words.expires}
            data={EXPIRIES.map(value => ({ value, label: words.expiry[value] }))}
            value={expires}
            onChange={chosen => setExpires(EXPIRIES.find(one => one === chosen) ?? '90d')}
            allowDeselect={false}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {people.cancel}
            </Button>
            <Button
              type="submit"
              loading={create.isRunning}
              disabled={name.trim() === '' || scopes.length === 0}
            >
              {words.createButton}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
