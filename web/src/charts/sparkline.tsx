import styles from '#charts/charts.module.css'
import { linePoints, type Point } from '#charts/scale.ts'

const BOX = { width: 96, height: 28, margin: 3 }

/**
 * A line of values over time, as small as a word. It is decoration: what it shows has to stand beside it as
 * text.
 */
export function Sparkline({ points }: { points: readonly Point[] }) {
  if (points.length < 2) return null
  const line = linePoints(points, BOX)
  const [x, y] = line.at(-1) ?? [0, 0]
  return (
    <svg
      className={styles.sparkline}
      viewBox={`0 0 ${BOX.width} ${BOX.height}`}
      width={BOX.width}
      height={BOX.height}
      aria-hidden
      focusable="false"
    >
      <polyline points={line.map(point => point.join(',')).join(' ')} />
      <circle cx={x} cy={y} r={2.5} />
    </svg>
  )
}
