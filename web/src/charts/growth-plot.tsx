import 'uplot/dist/uPlot.min.css'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import styles from '#charts/charts.module.css'
import { SERIES_COLORS } from '#charts/series-key.tsx'
import type { VaultGrowth } from '#charts/vault-growth.ts'
import { type Format, useFormat } from '#format/format.ts'

/** Lines can be told apart without their colours. */
const DASHES = [[], [6, 4], [2, 3]]

/** The lines alone; what they show stands beside it as text. */
export function GrowthPlot({ growth, height }: { growth: VaultGrowth; height: number }) {
  const format = useFormat()
  const scheme = useComputedColorScheme()
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current
    if (element === null) return
    // The colours of the theme are read when it is drawn.
    element.dataset['scheme'] = scheme
    const plot = new UPlot(
      optionsOf({ growth, format, element, height }),
      [
        growth.days.map(day => Date.parse(`${day}T00:00:00Z`) / 1_000),
        ...growth.series.map(one => one.bytes),
      ],
      element,
    )
    const follow = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    follow.observe(element)
    return () => {
      follow.disconnect()
      plot.destroy()
    }
  }, [growth, format, scheme, height])
  return <div ref={place} className={styles.plot} aria-hidden />
}

function optionsOf({
  growth,
  format,
  element,
  height,
}: {
  growth: VaultGrowth
  format: Format
  element: HTMLElement
  height: number
}): UPlot.Options {
  const { color, fontFamily } = getComputedStyle(element)
  const grid = { stroke: resolved(element, '--plot-grid'), width: 1 }
  const axis = { stroke: color, grid, ticks: grid, font: `12px ${fontFamily}` }
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    // Days have no zone.
    tzDate: seconds => UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    scales: { y: { range: (_, __, highest) => [0, Math.max(highest * 1.05, 1)] } },
    axes: [
      {
        ...axis,
        values: (_, ticks) =>
          ticks.map(seconds => format.day(new Date(seconds * 1_000).toISOString().slice(0, 10))),
        space: 70,
      },
      { ...axis, size: 78, values: (_, ticks) => ticks.map(bytes => format.bytes(bytes)) },
    ],
    series: [
      {},
      ...growth.series.map((_, index) => ({
        stroke: resolved(element, `--plot-${Math.min(index, SERIES_COLORS - 1)}`),
        width: 2,
        dash: DASHES[index % DASHES.length] ?? [],
        points: { show: growth.days.length < 2 },
      })),
    ],
  }
}

/** A colour of the style sheet as a canvas takes it: without variables and schemes. */
function resolved(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`
  const { color } = getComputedStyle(element)
  element.style.color = ''
  return color
}
