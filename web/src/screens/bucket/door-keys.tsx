import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { urlOf } from '#api/client.ts'
import { listDoorKeysOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { revokeDoorKey } from '#api/generated/sdk.gen.ts'
import type { Bucket, DoorKey, NewDoorKey } from '#api/generated/types.gen.ts'
import { KeyActs } from '#keys/key-acts.tsx'
import { KeyTable } from '#keys/key-table.tsx'
import { CreateDoorKey } from '#screens/bucket/create-door-key.tsx'
import { shellLinesOf } from '#screens/bucket/shell-lines.ts'
import { Section } from '#shell/section.tsx'
import { QueryView } from '#shell/states.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** The keys with which restic opens the bucket. */
export function DoorKeys({ bucket }: { bucket: Bucket }) {
  const { keys: words } = useWords().buckets
  const query = useQuery(listDoorKeysOptions({ query: { bucket_id: bucket.id } }))
  return (
    <KeyActs<DoorKey, NewDoorKey>
      words={words}
      dialog={of => <CreateDoorKey bucket={bucket} {...of} />}
      secretOf={key => shellLinesOf(key, bucket, `${window.location.origin}${urlOf('')}`)}
      revoke={({ id }) => revokeDoorKey({ path: { id } })}
      changed={() => query.refetch()}
    >
      {({ create, revoke }) => (
        <Section title={words.title}>
          <Group>
            <Button variant="default" onClick={create}>
              {words.create}
            </Button>
          </Group>
          <QueryView query={query}>
            {({ items }) =>
              items.length === 0 ? (
                <Text size="sm">{words.empty}</Text>
              ) : (
                <KeyTable
                  caption={words.caption}
                  items={items}
                  codeOf={({ user }) => user}
                  rights={[
                    {
                      key: 'scope',
                      header: words.scope,
                      label: words.scope,
                      cell: ({ scope }) => wordOf(words.scopes, scope),
                    },
                  ]}
                  revoke={revoke}
                />
              )
            }
          </QueryView>
        </Section>
      )}
    </KeyActs>
  )
}
