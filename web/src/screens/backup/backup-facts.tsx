import { Badge, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listSchedulesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { CopyText } from '#shell/copy-text.tsx'
import { FactList } from '#shell/fact-list.tsx'
import { LongText } from '#shell/long-text.tsx'
import { Section } from '#shell/section.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** What is known about a backup. */
export function BackupFacts({ backup: found }: { backup: BackupDetails }) {
  const { backup, backups } = useWords()
  const format = useFormat()
  const zone = useZoneOf(found)
  const { restore_estimate: estimate } = found
  const time = (at: string | null) => (at === null ? undefined : <Time at={at} zone={zone} />)
  const text = (value: string | null) => (value === null ? undefined : <LongText>{value}</LongText>)
  return (
    <Section title={backup.facts}>
      <FactList
        facts={{
          [backup.source]: text(found.source_name) ?? backup.byHand,
          [backup.project]: text(found.project_id),
          [backup.type]: wordOf(backups.types, found.type),
          [backup.member]:
            found.member === null ? undefined : (
              <PlainText>{backups.member(found.member, found.group_size)}</PlainText>
            ),
          [backup.filename]: text(found.filename),
          [backup.caption]: text(found.caption),
          [backup.tags]: found.tags.length === 0 ? undefined : <Tags tags={found.tags} />,
          [backup.made]: time(found.created_at),
          [backup.scheduledFor]: time(found.scheduled_for),
          [backup.completed]: time(found.completed_at),
          [backup.size]: sizeOf(found, { backup, format }),
          [backup.encrypted]: found.encrypted === null ? undefined : found.encrypted ? backup.yes : backup.no,
          [backup.verified]:
            found.state !== 'complete' ? undefined : (time(found.verified_at) ?? backup.never),
          [backup.estimate]:
            found.state !== 'complete'
              ? undefined
              : estimate === null
                ? backup.noEstimate
                : backup.estimated(format.seconds(estimate.seconds), format.relative(estimate.measured_at)),
          [backup.restores]: backup.times(found.restore_count),
          [backup.sha256]:
            found.plain_sha256 === null ? undefined : (
              <CopyText
                text={found.plain_sha256}
                copy={backup.copy}
                copied={backup.copied}
                label={backup.sha256}
              />
            ),
        }}
      />
    </Section>
  )
}

function sizeOf(
  { size, archive_size, part_count }: BackupDetails,
  { backup, format }: { backup: ReturnType<typeof useWords>['backup']; format: ReturnType<typeof useFormat> },
): string {
  if (archive_size === null || part_count === null) return format.bytes(size)
  return backup.sizes(format.bytes(size), format.bytes(archive_size), part_count)
}

function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <Group gap={6}>
      {tags.map(tag => (
        <Badge key={tag} variant="default" tt="none">
          <PlainText>{tag}</PlainText>
        </Badge>
      ))}
    </Group>
  )
}

/** The zone of the schedule that made it; undefined without one. */
function useZoneOf({ schedule_id }: BackupDetails): string | undefined {
  const { data } = useQuery({ ...listSchedulesOptions(), enabled: schedule_id !== null })
  return data?.items.find(({ id }) => id === schedule_id)?.timezone
}
