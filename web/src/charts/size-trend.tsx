import { Stack, Text } from '@mantine/core'
import { growthOf } from '#charts/scale.ts'
import { Sparkline } from '#charts/sparkline.tsx'
import { useFormat } from '#format/format.ts'
import { useWords } from '#words/language.tsx'

/** Half a percent is written as none. */
const SEEN = 0.005

/** The sizes of the newest backups, oldest first, as a line, and the same as text. */
export function SizeTrend({ sizes }: { sizes: readonly { at: string; size: number }[] }) {
  const { charts } = useWords()
  const format = useFormat()
  const newest = sizes.at(-1)
  const oldest = sizes.at(0)
  if (newest === undefined || oldest === undefined) return <>–</>
  const growth = growthOf(sizes.map(({ size }) => size))
  return (
    <Stack gap={2}>
      <Text size="sm" component="span">
        {format.bytes(newest.size)}
      </Text>
      <Sparkline points={sizes.map(({ at, size }) => ({ at: Date.parse(at), value: size }))} />
      {growth === undefined ? null : (
        <Text size="xs" c="dimmed" component="span">
          {Math.abs(growth) < SEEN
            ? charts.sizeSame(format.monthDay(oldest.at))
            : charts.sizeChange(format.change(growth), format.monthDay(oldest.at))}
        </Text>
      )}
    </Stack>
  )
}
