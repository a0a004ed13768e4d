import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listBackupsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Backup } from '#api/generated/types.gen.ts'
import { BackupCalendar } from '#charts/backup-calendar.tsx'
import { backupDays, dayAfter, dayOf } from '#charts/days.ts'
import { currentTime } from '#format/clock.ts'
import { useFormat } from '#format/format.ts'
import { type BackupSearch, backupQuery } from '#screens/backups/backup-search.ts'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const WEEKS = 12
/** The most that the API gives at once. */
const MOST = 500

/** The last weeks of the backups that fit the filters, in whatever state. A day opens its backups. */
export function Calendar({ search, onOpen }: { search: BackupSearch; onOpen: (day: string) => void }) {
  const { backups } = useWords()
  const { zone } = useFormat()
  const today = dayOf(new Date(currentTime()), zone)
  const from = dayAfter(today, 1 - WEEKS * 7)
  const { project, type, source, tag } = search
  const query = useQuery(
    listBackupsOptions({ query: { ...backupQuery({ project, type, source, tag, from }), limit: MOST } }),
  )
  return (
    <QueryView query={query}>
      {({ items, next_cursor }) => (
        <Stack gap="xs">
          <BackupCalendar days={daysOf(items, { isCut: next_cursor !== null, zone })} onOpen={onOpen} />
          {next_cursor === null ? null : (
            <Text size="sm" c="dimmed">
              {backups.calendarCut(items.length)}
            </Text>
          )}
        </Stack>
      )}
    </QueryView>
  )
}

/** Where older backups were left out, only days that are counted to the end: none looks empty that is not. */
function daysOf(items: readonly Backup[], { isCut, zone }: { isCut: boolean; zone: string }) {
  const until = new Date(currentTime())
  const all = backupDays(items, { zone, until, count: WEEKS * 7 })
  const oldest = items.at(-1)
  if (!isCut || oldest === undefined) return all
  const whole = all.filter(({ day }) => day > dayOf(oldest.created_at, zone))
  return whole.length === 0 ? all.slice(-1) : whole
}
