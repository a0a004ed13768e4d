import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import type { Bucket } from '#api/generated/types.gen.ts'
import { RemoveBucket } from '#screens/bucket/remove-bucket.tsx'
import { UndeleteBucket } from '#screens/bucket/undelete-bucket.tsx'
import { useWords } from '#words/language.tsx'

/** What an administrator can do with a bucket. */
export function BucketActs({ bucket }: { bucket: Bucket }) {
  const { buckets } = useWords()
  const [opened, setOpened] = useState<'undelete' | 'remove'>()
  const close = (): void => setOpened(undefined)
  return (
    <Group gap="sm">
      {bucket.undelete_seconds === 0 ? null : (
        <Button variant="default" onClick={() => setOpened('undelete')}>
          {buckets.undelete.open}
        </Button>
      )}
      <Button variant="default" color="red" onClick={() => setOpened('remove')}>
        {buckets.remove.open}
      </Button>
      {opened === 'undelete' ? <UndeleteBucket bucket={bucket} close={close} /> : null}
      {opened === 'remove' ? <RemoveBucket bucket={bucket} close={close} /> : null}
    </Group>
  )
}
