import { Button, Group, Modal, Radio, Select, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { createDoorKey } from '#api/generated/sdk.gen.ts'
import type { Bucket, DoorKey, NewDoorKey } from '#api/generated/types.gen.ts'
import { useWords } from '#words/language.tsx'

const SCOPES: readonly DoorKey['scope'][] = ['append', 'full', 'read']
const EXPIRIES = ['90d', '365d', 'never'] as const

export function CreateDoorKey({
  bucket,
  created,
  close,
}: {
  bucket: Bucket
  created: (key: NewDoorKey) => void
  close: () => void
}) {
  const { buckets, states } = useWords()
  const { keys: words } = buckets
  const [name, setName] = useState('')
  const [scope, setScope] = useState<DoorKey['scope']>('append')
  const [expires, setExpires] = useState<(typeof EXPIRIES)[number]>('never')
  const create = useAct(
    async () => {
      const { data } = await createDoorKey({
        body: {
          bucket_id: bucket.id,
          scope,
          name: name.trim(),
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
    <Modal opened onClose={close} title={words.createTitle} closeButtonProps={{ 'aria-label': states.close }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={words.name}
            description={words.nameHint}
            value={name}
            onChange={event => setName(event.currentTarget.value)}
            maxLength={100}
            autoComplete="off"
            data-autofocus
            required
            withAsterisk={false}
          />
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
          <Select
            label={words.expires}
            data={EXPIRIES.map(value => ({ value, label: words.expiry[value] }))}
            value={expires}
            onChange={chosen => setExpires(EXPIRIES.find(one => one === chosen) ?? 'never')}
            allowDeselect={false}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {buckets.cancel}
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
