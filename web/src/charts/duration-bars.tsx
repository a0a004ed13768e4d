import { Stack, Text } from '@mantine/core'
import styles from '#charts/charts.module.css'
import { FactsTable } from '#charts/facts-table.tsx'
import { medianOf } from '#charts/median.ts'
import { useFormat } from '#format/format.ts'
import { Time } from '#format/time.tsx'
import { useWords } from '#words/language.tsx'

/** How long one run took. */
export interface RunDuration {
  id: string
  at: string
  seconds: number
  isGood: boolean
}

const BAR = { width: 8, gap: 3, height: 64 }

/** How long the runs took, oldest first: a bar each, a sentence, and a table. */
export function DurationBars({ runs }: { runs: readonly RunDuration[] }) {
  const { charts } = useWords()
  const format = useFormat()
  if (runs.length === 0) return <Text c="dimmed">{charts.noRuns}</Text>
  const longest = Math.max(...runs.map(({ seconds }) => seconds), 1)
  const width = runs.length * (BAR.width + BAR.gap)
  const facts = charts.durations({
    count: runs.length,
    failed: runs.filter(({ isGood }) => !isGood).length,
    median: format.seconds(medianOf(runs.map(({ seconds }) => seconds))),
    longest: format.seconds(longest),
  })
  return (
    <Stack gap="xs">
      <Text size="sm">{facts}</Text>
      <div className={styles.scroll}>
        <svg
          className={styles.bars}
          viewBox={`0 0 ${width} ${BAR.height}`}
          width={width}
          height={BAR.height}
          aria-hidden
          focusable="false"
        >
          {runs.map(({ id, at, seconds, isGood }, index) => {
            const height = Math.max(2, (seconds / longest) * BAR.height)
            const x = index * (BAR.width + BAR.gap)
            return (
              <rect
                key={id}
                data-state={isGood ? 'good' : 'failed'}
                x={x}
                y={BAR.height - height}
                width={BAR.width}
                height={height}
                rx={1}
              >
                <title>{`${format.time(at)}: ${format.seconds(seconds)}`}</title>
              </rect>
            )
          })}
        </svg>
      </div>
      <FactsTable
        caption={charts.durationsTable}
        columns={[
          { key: 'at', header: charts.when, label: charts.when, cell: ({ at }) => <Time at={at} /> },
          {
            key: 'seconds',
            header: charts.took,
            label: charts.took,
            cell: ({ seconds }) => format.seconds(seconds),
            isNumber: true,
          },
          {
            key: 'state',
            header: charts.result,
            label: charts.result,
            cell: ({ isGood }) => (isGood ? charts.good : charts.failed),
          },
        ]}
        rows={runs.toReversed()}
        keyOf={({ id }) => id}
      />
    </Stack>
  )
}
