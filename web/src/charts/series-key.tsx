import { Group, Text } from '@mantine/core'
import styles from '#charts/charts.module.css'
import { PlainText } from '#format/plain-text.tsx'

/** More colours cannot be told apart; further series share the last one, and the table has them all. */
export const SERIES_COLORS = 6

/** Which line is which, and what it ends with. */
export function SeriesKey({ series }: { series: readonly { name: string; value: string }[] }) {
  return (
    <Group gap="md">
      {series.map(({ name, value }, place) => (
        <Group key={name} gap={6} wrap="nowrap">
          <span
            className={styles.swatch}
            data-series={Math.min(place, SERIES_COLORS - 1)}
            data-dash={place % 3}
            aria-hidden
          />
          <Text size="sm">
            <PlainText>{name}</PlainText>: {value}
          </Text>
        </Group>
      ))}
    </Group>
  )
}
