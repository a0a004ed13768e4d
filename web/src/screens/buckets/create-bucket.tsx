import { Button, Group, Modal, NumberInput, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { createBucket } from '#api/generated/sdk.gen.ts'
import { ProjectInput } from '#screens/people/project-input.tsx'
import { useWords } from '#words/language.tsx'

const MOST_HOURS = 8_760

/** Makes a bucket for restic, and shows it. */
export function CreateBucket({ close }: { close: () => void }) {
  const { buckets: words, states } = useWords()
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
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void create.run()
  }
  return (
    <Modal opened onClose={close} title={words.createTitle} closeButtonProps={{ 'aria-label': states.close }}>
      <form onSubmit={submit}>
        <Stack>
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
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {words.cancel}
            </Button>
            <Button type="submit" loading={create.isRunning} disabled={name.trim() === ''}>
              {words.createButton}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
