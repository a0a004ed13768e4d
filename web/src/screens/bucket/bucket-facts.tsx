import { Code } from '@mantine/core'
import type { Bucket } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { FactList } from '#shell/fact-list.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** What the bucket holds, what that takes up, and how it is kept. */
export function BucketFacts({ bucket }: { bucket: Bucket }) {
  const { buckets: words } = useWords()
  const { facts: names } = words
  const format = useFormat()
  const { last_snapshot_at: newest, snapshot_limit_hours: limit, max_bytes: most } = bucket
  return (
    <FactList
      facts={{
        [names.snapshot]: newest === null ? words.noSnapshot : <Time at={newest} />,
        [names.limit]: limit === null ? words.noLimit : format.span(limit * 3_600),
        [names.objects]: `${format.number(bucket.objects)}, ${format.bytes(bucket.bytes)}`,
        [names.undeletable]: format.bytes(bucket.undeletable_bytes),
        [names.undelete]:
          bucket.undelete_seconds === 0 ? words.noUndelete : format.span(bucket.undelete_seconds),
        [names.dead]: `${format.bytes(bucket.dead_bytes)}, ${words.deadHint}`,
        [names.messages]: format.number(bucket.messages),
        [names.replica]: wordOf(words.replica, bucket.replica),
        [names.most]: most === null ? words.noMost : format.bytes(most),
        [names.kind]: bucket.kind,
        [names.project]: <PlainText>{bucket.project_id}</PlainText>,
        [names.made]: <Time at={bucket.created_at} />,
        [names.id]: <Code>{bucket.id}</Code>,
      }}
    />
  )
}
