import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import type { Bucket } from '#api/generated/types.gen.ts'
import { RemoveBucket } from '#screens/bucket/remove-bucket.tsx'
import { useWords } from '#words/language.tsx'

/** What an administrator can do with a bucket. */
export function BucketActs({ bucket }: { bucket: Bucket }) {
  const { buckets } = useWords()
  const [opened, setOpened] = useState<'remove'>()
  const close = (): void => setOpened(undefined)
  return (
    <Group gap="sm">
      <Button variant="default" color="red" onClick={() => setOpened('remove')}>
        {buckets.remove.open}
      </Button>
      {opened === 'remove' ? <RemoveBucket bucket={bucket} close={close} /> : null}
    </Group>
  )
}
