import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Confirm } from '#acts/confirm.tsx'
import { useAct } from '#acts/use-act.ts'
import { urlOf } from '#api/client.ts'
import { listDoorKeysOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { revokeDoorKey } from '#api/generated/sdk.gen.ts'
import type { Bucket, DoorKey, NewDoorKey } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { CreateDoorKey } from '#screens/bucket/create-door-key.tsx'
import { DoorKeyTable } from '#screens/bucket/door-key-table.tsx'
import { shellLinesOf } from '#screens/bucket/shell-lines.ts'
import { SecretOnce } from '#screens/people/secret-once.tsx'
import { Section } from '#shell/section.tsx'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** The keys with which restic opens the bucket. */
export function DoorKeys({ bucket }: { bucket: Bucket }) {
  const { buckets } = useWords()
  const { keys: words } = buckets
  const query = useQuery(listDoorKeysOptions({ query: { bucket_id: bucket.id } }))
  const [isCreating, setCreating] = useState(false)
  const [created, setCreated] = useState<NewDoorKey>()
  const [asked, setAsked] = useState<DoorKey>()
  const revoke = useAct(
    async (key: DoorKey) => {
      await revokeDoorKey({ path: { id: key.id } })
      await query.refetch()
    },
    words.revoked,
    { needsFactor: true },
  )
  return (
    <Section title={words.title}>
      <Group>
        <Button variant="default" onClick={() => setCreating(true)}>
          {words.create}
        </Button>
      </Group>
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Text size="sm">{words.empty}</Text>
          ) : (
            <DoorKeyTable items={items} revoke={setAsked} />
          )
        }
      </QueryView>
      <Stack>
        {isCreating ? (
          <CreateDoorKey
            bucket={bucket}
            created={key => {
              setCreating(false)
              setCreated(key)
              void query.refetch()
            }}
            close={() => setCreating(false)}
          />
        ) : null}
        {created === undefined ? null : (
          <SecretOnce
            title={words.shownTitle(visibleText(created.name))}
            text={words.shownText}
            label={words.label}
            secret={shellLinesOf(created, bucket.name, `${window.location.origin}${urlOf('')}`)}
            close={() => setCreated(undefined)}
          />
        )}
        {asked === undefined ? null : (
          <Confirm
            title={words.revokeTitle(visibleText(asked.name))}
            words={{ confirm: words.revoke, cancel: buckets.cancel }}
            isRunning={revoke.isRunning}
            close={() => setAsked(undefined)}
            confirm={() => void revoke.run(asked).then(isDone => isDone && setAsked(undefined))}
          >
            {words.revokeText}
          </Confirm>
        )}
      </Stack>
    </Section>
  )
}
