import { Group, Stack, Text } from '@mantine/core'
import { type KeyboardEvent, useRef, useState } from 'react'
import styles from '#charts/charts.module.css'
import { type BackupDay, type DayState, dayState, weeksOf } from '#charts/days.ts'
import { FactsTable } from '#charts/facts-table.tsx'
import { useFormat } from '#format/format.ts'
import { useWords } from '#words/language.tsx'

const STATES: readonly DayState[] = ['good', 'partly', 'failed', 'none']

/** How far a key moves, in days: a column is a week. */
const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -7, ArrowRight: 7 }

/**
 * A cell for each day, a column for each week: whether backups were made, and whether they are good. The
 * arrow keys move over the days; each says its facts.
 * @param days as `backupDays` counts them
 * @param onOpen opens the backups of a day
 */
export function BackupCalendar({
  days,
  onOpen,
}: {
  days: readonly BackupDay[]
  onOpen?: (day: string) => void
}) {
  const { charts } = useWords()
  const format = useFormat()
  const [chosen, setChosen] = useState(days.length - 1)
  const grid = useRef<HTMLTableElement>(null)
  const current = Math.min(chosen, days.length - 1)
  const weeks = weeksOf(days)
  const indexOf = new Map(days.map(({ day }, index) => [day, index]))
  const facts = (day: BackupDay): string =>
    charts.day({
      day: format.day(day.day, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
      good: day.good,
      failed: day.failed,
      size: format.bytes(day.size),
    })
  const move = (event: KeyboardEvent): void => {
    const target =
      event.key === 'Home' ? 0 : event.key === 'End' ? days.length - 1 : current + (STEPS[event.key] ?? 0)
    const next = days[target]
    if (target === current || next === undefined) return
    event.preventDefault()
    setChosen(target)
    grid.current?.querySelector<HTMLElement>(`[data-day="${next.day}"]`)?.focus()
  }
  const shown = days[current]
  return (
    <Stack gap="xs">
      <div className={styles.scroll}>
        <table
          ref={grid}
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the days are moved over by keys.
          role="grid"
          aria-label={charts.calendar}
          className={styles.calendar}
          onKeyDown={move}
        >
          <tbody>
            {Array.from({ length: 7 }, (_, weekday) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: it is the day of the week.
              <tr key={weekday}>
                {weeks.map((week, column) => {
                  const day = week[weekday]
                  // biome-ignore lint/suspicious/noArrayIndexKey: it is the week.
                  if (day === undefined) return <td key={column} className={styles.outside} />
                  const index = indexOf.get(day.day) ?? 0
                  return (
                    <td key={day.day}>
                      <button
                        type="button"
                        className={styles.day}
                        data-state={dayState(day)}
                        data-day={day.day}
                        tabIndex={index === current ? 0 : -1}
                        aria-label={facts(day)}
                        onFocus={() => setChosen(index)}
                        onMouseEnter={() => setChosen(index)}
                        onClick={() => onOpen?.(day.day)}
                      />
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Text size="sm">{shown === undefined ? '' : facts(shown)}</Text>
      <Group gap="md" aria-hidden>
        {STATES.map(state => (
          <Group key={state} gap={6} wrap="nowrap">
            <span className={styles.day} data-state={state} />
            <Text size="xs" c="dimmed">
              {charts.dayStates[state]}
            </Text>
          </Group>
        ))}
      </Group>
      <FactsTable
        caption={charts.calendar}
        columns={[
          { key: 'day', header: charts.date, label: charts.date, cell: ({ day }) => format.day(day) },
          {
            key: 'state',
            header: charts.result,
            label: charts.result,
            cell: day => charts.dayStates[dayState(day)],
          },
          {
            key: 'good',
            header: charts.good,
            label: charts.good,
            cell: ({ good }) => format.number(good),
            isNumber: true,
          },
          {
            key: 'failed',
            header: charts.failed,
            label: charts.failed,
            cell: ({ failed }) => format.number(failed),
            isNumber: true,
          },
          {
            key: 'size',
            header: charts.size,
            label: charts.size,
            cell: ({ size }) => format.bytes(size),
            isNumber: true,
          },
        ]}
        rows={days.filter(({ good, failed }) => good + failed > 0).toReversed()}
        keyOf={({ day }) => day}
      />
    </Stack>
  )
}
