import { Skeleton, Stack, Text } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { FactsTable } from '#charts/facts-table.tsx'
import { SeriesKey } from '#charts/series-key.tsx'
import type { VaultGrowth } from '#charts/vault-growth.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** uPlot comes when the first picture is drawn. */
const Plot = lazy(async () => ({ default: (await import('#charts/growth-plot.tsx')).GrowthPlot }))

const HEIGHT = 220

/**
 * How the vault grew: lines over days, a sentence, and a table.
 * @param name how a series is called for people
 */
export function GrowthChart({ growth, name }: { growth: VaultGrowth; name: (series: string) => string }) {
  const { charts } = useWords()
  const format = useFormat()
  const { days, series } = growth
  const first = days[0]
  if (first === undefined) return <Text c="dimmed">{charts.noBackups}</Text>
  const total = series.reduce((sum, { bytes }) => sum + (bytes.at(-1) ?? 0), 0)
  const rows: { day: string; index: number }[] = days.map((day, index) => ({ day, index })).toReversed()
  return (
    <Stack gap="xs">
      <Text size="sm">
        {charts.vaultHolds(format.bytes(total), format.day(first, { dateStyle: 'medium' }))}
      </Text>
      <Suspense fallback={<Skeleton height={HEIGHT} />}>
        <Plot growth={growth} height={HEIGHT} />
      </Suspense>
      <SeriesKey
        series={series.map(one => ({ name: name(one.name), value: format.bytes(one.bytes.at(-1) ?? 0) }))}
      />
      <FactsTable
        caption={charts.growth}
        columns={[
          { key: 'day', header: charts.date, label: charts.date, cell: ({ day }) => format.day(day) },
          ...series.map((one, place) => ({
            key: String(place),
            header: <PlainText>{name(one.name)}</PlainText>,
            label: name(one.name),
            cell: ({ index }: { day: string; index: number }) => format.bytes(one.bytes[index] ?? 0),
            isNumber: true,
          })),
        ]}
        rows={rows}
        keyOf={({ day }) => day}
      />
    </Stack>
  )
}
