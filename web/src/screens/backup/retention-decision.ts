import { useQuery } from '@tanstack/react-query'
import { listPoliciesOptions, listSchedulesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { previewRetention } from '#api/generated/sdk.gen.ts'
import type { BackupDetails, KeepPolicy, Schedule } from '#api/generated/types.gen.ts'

export interface Decision {
  is: 'kept' | 'goes'
  /** In the words of the API. */
  reasons: readonly string[]
  needsConfirmation: boolean
}

/**
 * What retention would do with a backup now: one of its policies is tried in its own place, so all rules are
 * as they are. Undefined where no policy is for it, so that its expiry alone decides, and until the answer is
 * there.
 */
export function useDecision(backup: BackupDetails): Decision | undefined {
  const { id, project_id, type, source_name, state, pinned_at } = backup
  const isDecided = state === 'complete'
  const { data: schedules } = useQuery({ ...listSchedulesOptions(), enabled: isDecided })
  const { data: policies } = useQuery({ ...listPoliciesOptions(), enabled: isDecided })
  const schedule = schedules?.items.find(one => isOf(one, backup))
  const others = (policies?.items ?? []).filter(
    one => isSame(one, backup) && (one.source === null || one.source === source_name),
  )
  const ofKind = others.find(({ source }) => source === null)?.keep ?? null
  const keep = schedule === undefined ? ofKind : schedule.keep
  const { data } = useQuery({
    queryKey: [{ _id: 'previewRetention', id, pinned_at, schedule: schedule?.id, keep }],
    queryFn: async ({ signal }) => {
      const { data: preview } = await previewRetention({
        body: {
          ...{ project_id, type, keep: keep as KeepPolicy | null },
          ...(schedule !== undefined && { schedule_id: schedule.id }),
        },
        signal,
      })
      return preview
    },
    enabled: isDecided && policies !== undefined && (schedule !== undefined || others.length > 0),
  })
  const kept = data?.keeps.find(one => one.id === id)
  if (kept !== undefined) return decided('kept', kept)
  const gone = data?.erases.find(one => one.id === id)
  return gone === undefined ? undefined : decided('goes', gone)
}

function isOf(schedule: Schedule, backup: BackupDetails): boolean {
  return schedule.source === backup.source_name && isSame(schedule, backup)
}

function isSame(one: Pick<Schedule, 'project_id' | 'type'>, backup: BackupDetails): boolean {
  return one.project_id === backup.project_id && one.type === backup.type
}

function decided(
  is: Decision['is'],
  { reasons, needs_confirmation }: { reasons: readonly string[]; needs_confirmation: boolean },
): Decision {
  return { is, reasons, needsConfirmation: needs_confirmation }
}
