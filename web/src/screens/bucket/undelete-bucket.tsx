import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { getBucketQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { undeleteBucket } from '#api/generated/sdk.gen.ts'
import type { Bucket, Undeleted } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** Takes the whole bucket back to a moment, after it was shown what comes and what goes. */
export function UndeleteBucket({ bucket, close }: { bucket: Bucket; close: () => void }) {
  const { buckets, states } = useWords()
  const words = buckets.undelete
  const format = useFormat()
  const queryClient = useQueryClient()
  const [typed, setTyped] = useState('')
  const [plan, setPlan] = useState<Undeleted>()
  // In the zone of this device, as the input shows it.
  const at = new Date(typed)
  const isTime = !Number.isNaN(at.getTime())
  const ask = async (isDryRun: boolean): Promise<Undeleted> => {
    const { data } = await undeleteBucket({
      path: { id: bucket.id },
      body: { at: at.toISOString(), dry_run: isDryRun },
    })
    return data
  }
  const preview = useAct(async () => setPlan(await ask(true)), undefined, { needsFactor: true })
  const start = useAct(
    async () => {
      await ask(false)
      await queryClient.invalidateQueries({ queryKey: getBucketQueryKey({ path: { id: bucket.id } }) })
      close()
    },
    words.done,
    { needsFactor: true },
  )
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (isTime) void preview.run()
  }
  return (
    <Modal
      opened
      onClose={close}
      title={words.title(visibleText(bucket.name))}
      closeButtonProps={{ 'aria-label': states.close }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{words.text}</Text>
          <TextInput
            type="datetime-local"
            step={1}
            label={words.at}
            description={words.atHint(format.span(bucket.undelete_seconds))}
            value={typed}
            onChange={event => {
              setTyped(event.currentTarget.value)
              setPlan(undefined)
            }}
            data-autofocus
            required
            withAsterisk={false}
          />
          <div role="status">{plan === undefined ? null : <Plan plan={plan} />}</div>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {buckets.cancel}
            </Button>
            <Button type="submit" variant="default" disabled={!isTime} loading={preview.isRunning}>
              {words.preview}
            </Button>
            <Button
              color="red"
              // One that was interrupted may only lack its end.
              disabled={plan === undefined || (isUnchanged(plan) && bucket.undeleting_to === null)}
              loading={start.isRunning}
              onClick={() => void start.run()}
            >
              {words.start}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Plan({ plan }: { plan: Undeleted }) {
  const { undelete: words } = useWords().buckets
  if (isUnchanged(plan)) return <Text size="sm">{words.nothing}</Text>
  return (
    <>
      <Text size="sm">{words.come(plan.restored)}</Text>
      <Text size="sm">{words.go(plan.removed)}</Text>
    </>
  )
}

function isUnchanged({ restored, removed }: Undeleted): boolean {
  return restored + removed === 0
}
