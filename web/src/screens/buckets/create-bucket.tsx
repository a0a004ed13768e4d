import { NumberInput, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { FormDialog } from '#acts/form-dialog.tsx'
import { useAct } from '#acts/use-act.ts'
import { createBucket } from '#api/generated/sdk.gen.ts'
import { ProjectInput } from '#screens/people/project-input.tsx'
import { useWords } from '#words/language.tsx'

const MOST_HOURS = 8_760

/** Makes a bucket for restic, and shows it. */
export function CreateBucket({ close }: { close: () => void }) {
  const { buckets: words } = useWords()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [project, setProject] = useState('')
  const [limit, setLimit] = useState<number | string>('')
  const create = useAct(
    async () => {
      const { data } = await createBucket({
        body: {
          name: name.trim(),
          kind: 'restic',
          ...(project.trim() !== '' && { project_id: project.trim() }),
          ...(typeof limit === 'number' && { snapshot_limit_hours: limit }),
        },
      })
      close()
      await navigate({ to: '/buckets/$id', params: { id: data.id } })
    },
    words.created,
    { needsFactor: true },
  )
  return (
    <FormDialog
      title={words.createTitle}
      words={{ submit: words.createButton, cancel: words.cancel }}
      isReady={name.trim() !== ''}
      isRunning={create.isRunning}
      submit={() => void create.run()}
      close={close}
    >
      <TextInput
        label={words.name}
        description={words.nameHint}
        value={name}
        onChange={event => setName(event.currentTarget.value)}
        maxLength={63}
        autoComplete="off"
        autoCapitalize="none"
        data-autofocus
        required
        withAsterisk={false}
      />
      <ProjectInput value={project} onChange={setProject} hint={words.projectHint} />
      <NumberInput
        label={words.limitLabel}
        description={words.limitHint}
        value={limit}
        onChange={setLimit}
        min={1}
        max={MOST_HOURS}
        allowDecimal={false}
      />
    </FormDialog>
  )
}
