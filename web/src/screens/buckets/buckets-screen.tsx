import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { listBucketsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { CreateBucket } from '#screens/buckets/create-bucket.tsx'
import { BucketTable } from '#screens/overview/bucket-table.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

export function BucketsScreen() {
  const { buckets, shell } = useWords()
  const query = useQuery(listBucketsOptions())
  const isAdmin = useMay('admin')
  const [isCreating, setCreating] = useState(false)
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1}>{shell.buckets}</Title>
        {isAdmin ? <Button onClick={() => setCreating(true)}>{buckets.create}</Button> : null}
      </Group>
      <Text size="sm" c="dimmed">
        {buckets.says}
      </Text>
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={buckets.none}>{isAdmin ? buckets.noneHint : buckets.noneHintLooking}</Empty>
          ) : (
            <BucketTable items={items} />
          )
        }
      </QueryView>
      {isCreating ? <CreateBucket close={() => setCreating(false)} /> : null}
    </Stack>
  )
}
