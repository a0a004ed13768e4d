import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { listBackupsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { previewRetention } from '#api/generated/sdk.gen.ts'
import type { Backup, KeepPolicy, PreviewRetentionData, Schedule } from '#api/generated/types.gen.ts'
import { type PreviewRow, previewRows } from '#screens/schedules/preview-rows.ts'

/** Whose policy is tried: that of a schedule, or one of a new schedule of a source. */
export interface Previewed {
  project_id: string
  type: Schedule['type']
  source: string
  schedule?: Schedule | undefined
}

const MOST_BACKUPS = 500

/** What a policy would keep and erase, beside what the rules of now do. */
export function usePreview(of: Previewed | undefined, keep: KeepPolicy | null | undefined) {
  const now = usePolicy(of, of?.schedule === undefined ? null : (of.schedule.keep as KeepPolicy | null))
  const then = usePolicy(of, keep)
  const { project_id, type } = of ?? {}
  const backups = useQuery({
    ...listBackupsOptions({ query: { project_id, type, state: 'complete', limit: MOST_BACKUPS } }),
    enabled: of !== undefined,
  })
  const known = new Map(backups.data?.items.map(backup => [backup.id, backup]))
  const isOfSource = ({ id, fate }: PreviewRow): boolean =>
    fate === 'goesToo' || (known.get(id)?.source_name ?? of?.source) === of?.source
  const rows =
    now.data === undefined || then.data === undefined || keep === undefined
      ? undefined
      : previewRows(now.data, then.data).filter(isOfSource)
  return { rows, known: known as ReadonlyMap<string, Backup>, error: then.error ?? now.error }
}

function usePolicy(of: Previewed | undefined, keep: KeepPolicy | null | undefined) {
  const { project_id = '', type = 'database', source, schedule } = of ?? {}
  const body: PreviewRetentionData['body'] = {
    ...{ project_id, type, keep: keep ?? null },
    ...(schedule === undefined ? { source } : { schedule_id: schedule.id }),
  }
  return useQuery({
    queryKey: [{ _id: 'previewRetention', body }],
    queryFn: async ({ signal }) => (await previewRetention({ body, signal })).data,
    enabled: of !== undefined && keep !== undefined,
    placeholderData: keepPreviousData,
  })
}
