import { Radio, Stack } from '@mantine/core'
import { useState } from 'react'
import { createDoorKey } from '#api/generated/sdk.gen.ts'
import type { Bucket, DoorKey, NewDoorKey } from '#api/generated/types.gen.ts'
import { CreateKeyDialog } from '#keys/create-key-dialog.tsx'
import { useWords } from '#words/language.tsx'

const SCOPES: readonly DoorKey['scope'][] = ['append', 'full', 'read']

export function CreateDoorKey({
  bucket,
  created,
  close,
}: {
  bucket: Bucket
  created: (key: NewDoorKey) => void
  close: () => void
}) {
  const { keys: words } = useWords().buckets
  const [scope, setScope] = useState<DoorKey['scope']>('append')
  return (
    <CreateKeyDialog
      title={words.createTitle}
      nameHint={words.nameHint}
      expiries={['90d', '365d', 'never']}
      firstExpiry="never"
      isReady
      create={async ({ name, expires }) => {
        const body = { bucket_id: bucket.id, scope, name, ...(expires !== undefined && { expires }) }
        return (await createDoorKey({ body })).data
      }}
      created={created}
      close={close}
    >
      <Radio.Group
        label={words.scope}
        value={scope}
        onChange={chosen => setScope(SCOPES.find(one => one === chosen) ?? 'append')}
      >
        <Stack gap="xs" mt="xs">
          {SCOPES.map(one => (
            <Radio key={one} value={one} label={words.scopeWords[one]} />
          ))}
        </Stack>
      </Radio.Group>
    </CreateKeyDialog>
  )
}
