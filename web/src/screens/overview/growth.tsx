import { Group, Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { listBackupsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Backup } from '#api/generated/types.gen.ts'
import { GrowthChart } from '#charts/growth-chart.tsx'
import { vaultGrowth } from '#charts/vault-growth.ts'
import { currentTime } from '#format/clock.ts'
import { useFormat } from '#format/format.ts'
import { QueryView } from '#shell/states.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** The most that the API gives at once. */
const MOST = 500

type Grouping = 'project' | 'type'

/** The bytes of the backups that exist, by the day when they were made, by project or by type. */
export function Growth() {
  const { backups, charts } = useWords()
  const { zone } = useFormat()
  const [by, setBy] = useState<Grouping>('project')
  const query = useQuery(listBackupsOptions({ query: { state: 'complete', limit: MOST } }))
  return (
    <Stack gap="sm" pt="sm">
      <Radio.Group value={by} onChange={value => setBy(value as Grouping)} label={charts.groupBy}>
        <Group gap="md">
          <Radio value="project" label={charts.groups.project} />
          <Radio value="type" label={charts.groups.type} />
        </Group>
      </Radio.Group>
      <QueryView query={query}>
        {({ items, next_cursor }) => (
          <>
            {next_cursor === null ? null : (
              <Text size="sm" c="dimmed">
                {charts.growthCut(items.length)}
              </Text>
            )}
            <GrowthChart
              growth={vaultGrowth(
                items.map(backup => sizeOf(backup, by)),
                { zone, until: new Date(currentTime()) },
              )}
              name={group => (by === 'type' ? wordOf(backups.types, group) : group)}
            />
          </>
        )}
      </QueryView>
    </Stack>
  )
}

function sizeOf({ created_at, archive_size, size, project_id, type }: Backup, by: Grouping) {
  return { created_at, size: archive_size ?? size, group: by === 'project' ? project_id : type }
}
