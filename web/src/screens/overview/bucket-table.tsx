import { Stack, Text } from '@mantine/core'
import type { Bucket } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import styles from '#screens/overview/overview.module.css'
import { ReasonText } from '#screens/overview/reason.tsx'
import { StateMark } from '#screens/overview/state-mark.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** One row for each bucket; those that need a look come first. */
export function BucketTable({ items }: { items: readonly Bucket[] }) {
  const { buckets } = useWords()
  const { columns: names } = buckets
  const format = useFormat()
  const columns: Column<Bucket>[] = [
    { key: 'state', header: names.state, label: '', cell: ({ state }) => <StateMark state={state} /> },
    { key: 'bucket', header: names.bucket, label: '', cell: bucket => <BucketCell bucket={bucket} /> },
    {
      key: 'snapshot',
      header: names.snapshot,
      label: names.snapshot,
      cell: bucket => <NewestSnapshot bucket={bucket} />,
    },
    {
      key: 'size',
      header: names.size,
      label: names.size,
      cell: ({ bytes, objects }) => (
        <span>
          {format.bytes(bytes)}
          <Text size="xs" c="dimmed" component="span" display="block">
            {buckets.objects(objects)}
          </Text>
        </span>
      ),
    },
    {
      key: 'dead',
      header: names.dead,
      label: names.dead,
      isNumber: true,
      cell: ({ dead_bytes: bytes }) => format.bytes(bytes),
    },
    {
      key: 'messages',
      header: names.messages,
      label: names.messages,
      isNumber: true,
      cell: ({ messages }) => format.number(messages),
    },
  ]
  return <DataTable caption={buckets.list} columns={columns} rows={items} keyOf={({ id }) => id} />
}

function BucketCell({ bucket: { id, name, kind, project_id, reasons } }: { bucket: Bucket }) {
  return (
    <Stack gap={4} className={styles.source}>
      <AnchorLink to="/buckets/$id" params={{ id }} size="sm" fw={600}>
        <PlainText>{name}</PlainText>
      </AnchorLink>
      <Text size="xs" c="dimmed">
        <PlainText>{project_id}</PlainText> · {kind}
      </Text>
      {reasons.length === 0 ? null : (
        <ul className={styles.reasons}>
          {reasons.map(reason => (
            <li key={reason.code}>
              <ReasonText reason={reason} />
            </li>
          ))}
        </ul>
      )}
    </Stack>
  )
}

/** The age of the newest snapshot against the limit of its bucket. */
function NewestSnapshot({
  bucket: { last_snapshot_at: at, snapshot_limit_hours: limit },
}: {
  bucket: Bucket
}) {
  const { buckets } = useWords()
  const format = useFormat()
  return (
    <Stack gap={2}>
      {at === null ? <Text size="sm">{buckets.noSnapshot}</Text> : <Time at={at} isRelative />}
      <Text size="xs" c="dimmed">
        {limit === null ? buckets.noLimit : buckets.limit(format.span(limit * 3_600))}
      </Text>
    </Stack>
  )
}
