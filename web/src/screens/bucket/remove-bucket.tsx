import { Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { listBucketsQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { removeBucket } from '#api/generated/sdk.gen.ts'
import type { Bucket } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** Says what is lost with the bucket, and asks for a word. */
export function RemoveBucket({ bucket, close }: { bucket: Bucket; close: () => void }) {
  const { buckets, states } = useWords()
  const words = buckets.remove
  const format = useFormat()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [isSure, setSure] = useState(false)
  const act = useAct(
    async () => {
      await removeBucket({ path: { id: bucket.id }, query: { with_objects: 'true' } })
      await queryClient.invalidateQueries({ queryKey: listBucketsQueryKey() })
      await navigate({ to: '/buckets' })
    },
    words.done,
    { needsFactor: true },
  )
  return (
    <Modal
      opened
      onClose={close}
      title={words.title(visibleText(bucket.name))}
      closeButtonProps={{ 'aria-label': states.close }}
    >
      <Stack>
        <Text size="sm">{words.what(bucket.objects, format.bytes(bucket.bytes))}</Text>
        <Checkbox
          label={words.sure}
          checked={isSure}
          onChange={event => setSure(event.currentTarget.checked)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            {buckets.cancel}
          </Button>
          <Button color="red" disabled={!isSure} loading={act.isRunning} onClick={() => void act.run()}>
            {words.start}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
