import { Checkbox, Stack } from '@mantine/core'
import { useState } from 'react'
import { createKey } from '#api/generated/sdk.gen.ts'
import type { Key, NewKey } from '#api/generated/types.gen.ts'
import { CreateKeyDialog } from '#keys/create-key-dialog.tsx'
import { ProjectInput } from '#screens/people/project-input.tsx'
import { useWords } from '#words/language.tsx'

type Scope = Key['scopes'][number]
const SCOPES: readonly Scope[] = ['read', 'backup', 'restore', 'admin']

export function CreateKey({ created, close }: { created: (key: NewKey) => void; close: () => void }) {
  const { key: words } = useWords().people
  const [scopes, setScopes] = useState<readonly Scope[]>(['read'])
  const [project, setProject] = useState('')
  return (
    <CreateKeyDialog
      title={words.createTitle}
      nameHint={words.nameHint}
      expiries={['30d', '90d', '365d', 'never']}
      firstExpiry="90d"
      isReady={scopes.length > 0}
      create={async ({ name, expires }) => {
        const { data } = await createKey({
          body: {
            ...{ name, scopes: [...scopes] },
            ...(project.trim() !== '' && { project_id: project.trim() }),
            ...(expires !== undefined && { expires }),
          },
        })
        return data
      }}
      created={created}
      close={close}
    >
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
    </CreateKeyDialog>
  )
}
