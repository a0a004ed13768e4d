import { Box, ColorSwatch, Group, Progress } from '@mantine/core'
import { useFormat } from '#format/format.ts'
import type { Phases } from '#screens/proof/drill-report.ts'
import { DataTable } from '#shell/data-table.tsx'
import { useWords } from '#words/language.tsx'

const PHASES = [
  { name: 'fetch', color: 'blue.6' },
  { name: 'open', color: 'violet.6' },
  { name: 'restore', color: 'teal.7' },
  { name: 'compare', color: 'orange.6' },
] as const

/** The phases of a drill as a bar, and the same facts as a table. */
export function DrillPhases({ phases }: { phases: Phases }) {
  const { proof } = useWords()
  const format = useFormat()
  const { phases: words } = proof
  const total = PHASES.reduce((sum, { name }) => sum + phases[name], 0)
  const share = (seconds: number): number => (total === 0 ? 0 : seconds / total)
  const time = (seconds: number): string =>
    seconds < 10
      ? format.number(seconds, {
          style: 'unit',
          unit: 'second',
          maximumFractionDigits: 1,
          minimumFractionDigits: 1,
        })
      : format.seconds(seconds)
  const rows = [
    ...PHASES.map(({ name, color }) => ({ name: words[name], color, seconds: phases[name] })),
    { name: words.total, color: undefined, seconds: total },
  ]
  return (
    <Box maw="48rem">
      <Progress.Root size="xl" mb="sm" aria-hidden>
        {PHASES.map(({ name, color }) => (
          <Progress.Section key={name} value={100 * share(phases[name])} color={color} />
        ))}
      </Progress.Root>
      <DataTable
        caption={words.caption}
        rows={rows}
        keyOf={({ name }) => name}
        columns={[
          {
            key: 'phase',
            header: words.phase,
            label: words.phase,
            cell: ({ name, color }) => (
              <Group gap="xs" wrap="nowrap">
                {color === undefined ? null : (
                  <ColorSwatch
                    size={12}
                    color={`var(--mantine-color-${color.replace('.', '-')})`}
                    aria-hidden
                    withShadow={false}
                  />
                )}
                {name}
              </Group>
            ),
          },
          {
            key: 'seconds',
            header: words.seconds,
            label: words.seconds,
            isNumber: true,
            cell: ({ seconds }) => time(seconds),
          },
          {
            key: 'share',
            header: words.share,
            label: words.share,
            isNumber: true,
            cell: ({ seconds }) =>
              format.number(share(seconds), { style: 'percent', maximumFractionDigits: 0 }),
          },
        ]}
      />
    </Box>
  )
}
