import { Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { getBucketOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Bucket } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { BucketActs } from '#screens/bucket/bucket-acts.tsx'
import { BucketFacts } from '#screens/bucket/bucket-facts.tsx'
import { DoorKeys } from '#screens/bucket/door-keys.tsx'
import styles from '#screens/overview/overview.module.css'
import { ReasonText } from '#screens/overview/reason.tsx'
import { StateMark } from '#screens/overview/state-mark.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

export function BucketScreen() {
  const { id } = useParams({ from: '/signed-in/buckets/$id' })
  const query = useQuery(getBucketOptions({ path: { id } }))
  return <QueryView query={query}>{found => <Found bucket={found} />}</QueryView>
}

function Found({ bucket }: { bucket: Bucket }) {
  const { buckets } = useWords()
  const isAdmin = useMay('admin')
  const { name, state, reasons } = bucket
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Group gap="sm" justify="space-between">
          <Title order={1}>
            <PlainText>{name}</PlainText>
          </Title>
          <StateMark state={state} />
        </Group>
        {reasons.length === 0 ? null : (
          <ul className={styles.reasons}>
            {reasons.map(reason => (
              <li key={reason.code}>
                <ReasonText reason={reason} />
              </li>
            ))}
          </ul>
        )}
        {isAdmin ? <BucketActs bucket={bucket} /> : null}
      </Stack>
      {isAdmin && bucket.objects === 0 ? <Text size="sm">{buckets.emptyHint}</Text> : null}
      <BucketFacts bucket={bucket} />
      {isAdmin ? <DoorKeys bucket={bucket} /> : null}
      <AnchorLink to="/buckets" size="sm">
        {buckets.toBuckets}
      </AnchorLink>
    </Stack>
  )
}
