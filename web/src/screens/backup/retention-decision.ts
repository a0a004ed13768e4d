import { useQuery } from '@tanstack/react-query'
import { listSchedulesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { previewRetention } from '#api/generated/sdk.gen.ts'
import type { BackupDetails, KeepPolicy, Schedule } from '#api/generated/types.gen.ts'

export interface Decision {
  is: 'kept' | 'goes'
  /** In the words of the API. */
  reasons: readonly string[]
  needsConfirmation: boolean
}

/**
 * What retention would do with a backup now: the policy of its schedule is tried in its own place, so all
 * rules are as they are. Undefined without a schedule, whose expiry alone is known, and until the answer is
 * there.
 */
export function useDecision(backup: BackupDetails): Decision | undefined {
  const { id, project_id, type, source_name, state, pinned_at } = backup
  const isDecided = state === 'complete' && source_name !== null
  const { data: schedules } = useQuery({ ...listSchedulesOptions(), enabled: isDecided })
  const schedule = schedules?.items.find(one => isOf(one, backup))
  const { data } = useQuery({
    queryKey: [{ _id: 'previewRetention', id, pinned_at, schedule: schedule?.id, keep: schedule?.keep }],
    queryFn: async ({ signal }) => {
      if (schedule === undefined) return null
      const { data: preview } = await previewRetention({
        body: { project_id, type, keep: schedule.keep as KeepPolicy | null, schedule_id: schedule.id },
        signal,
      })
      return preview
    },
    enabled: isDecided && schedule !== undefined,
  })
  const kept = data?.keeps.find(one => one.id === id)
  if (kept !== undefined) return decided('kept', kept)
  const gone = data?.erases.find(one => one.id === id)
  return gone === undefined ? undefined : decided('goes', gone)
}

function isOf({ source, project_id, type }: Schedule, backup: BackupDetails): boolean {
  return source === backup.source_name && project_id === backup.project_id && type === backup.type
}

function decided(
  is: Decision['is'],
  { reasons, needs_confirmation }: { reasons: readonly string[]; needs_confirmation: boolean },
): Decision {
  return { is, reasons, needsConfirmation: needs_confirmation }
}
