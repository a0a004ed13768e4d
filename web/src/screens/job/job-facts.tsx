import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { useSeconds } from '#format/use-seconds.ts'
import { FactList } from '#shell/fact-list.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

export function JobFacts({ job: of }: { job: Job }) {
  const { job: words } = useWords()
  const format = useFormat()
  const now = useSeconds(of.state === 'running')
  const { progress, started_at, finished_at, source, backup_id, bucket_id } = of
  const end = finished_at === null ? now : Date.parse(finished_at)
  const isTimed = started_at !== null && (finished_at !== null || of.state === 'running')
  const number = (value: number): string | undefined => (value === 0 ? undefined : format.number(value))
  return (
    <FactList
      facts={{
        [words.requested]: <Time at={of.created_at} />,
        [words.scheduledFor]: of.scheduled_for === null ? undefined : <Time at={of.scheduled_for} />,
        [words.started]: started_at === null ? undefined : <Time at={started_at} />,
        [words.finished]: finished_at === null ? undefined : <Time at={finished_at} />,
        [finished_at === null ? words.runningFor : words.took]: isTimed
          ? format.seconds((end - Date.parse(started_at)) / 1_000)
          : undefined,
        [words.attempt]: number(of.attempt),
        [words.project]: of.project_id === null ? undefined : <PlainText>{of.project_id}</PlainText>,
        [words.source]:
          source === null ? undefined : (
            <AnchorLink to="/sources/$name" params={{ name: source }}>
              <PlainText>{source}</PlainText>
            </AnchorLink>
          ),
        [words.target]: of.target === null ? undefined : <PlainText>{of.target}</PlainText>,
        [words.backup]:
          backup_id === null ? undefined : (
            <AnchorLink to="/backups/$id" params={{ id: backup_id }}>
              {backup_id.slice(0, 8)}
            </AnchorLink>
          ),
        [words.bucket]:
          bucket_id === null ? undefined : (
            <AnchorLink to="/buckets/$id" params={{ id: bucket_id }}>
              <PlainText>{of.bucket ?? bucket_id.slice(0, 8)}</PlainText>
            </AnchorLink>
          ),
        [words.size]: progress.bytes_done === 0 ? undefined : format.bytes(progress.bytes_done),
        [words.parts]: number(progress.parts_done),
        [words.missingFiles]: number(of.missing_files),
      }}
    />
  )
}
