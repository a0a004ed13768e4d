import styles from '#charts/charts.module.css'
import { scale } from '#charts/scale.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/** One job on a timeline; times in milliseconds since 1970. */
export interface TimelineJob {
  id: string
  /** The line that it stands on: a source, or a kind. */
  lane: string
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  from: number
  to: number
}

const HEIGHT = 16
/** Percent of the width: a job of a second has to be seen as well. */
const LEAST = 0.4

/**
 * When the jobs of each source were at work. It is decoration: what it shows has to stand beside it as text.
 * A job that failed is as high as its line and has a colour of its own; the others are half as high.
 */
export function JobTimeline({ jobs, from, to }: { jobs: readonly TimelineJob[]; from: number; to: number }) {
  const { overview } = useWords()
  const format = useFormat()
  const lanes = [...Map.groupBy(jobs, ({ lane }) => lane)].sort(([a], [b]) => a.localeCompare(b))
  const x = scale([from, to], [0, 100])
  return (
    <div className={styles.timeline} role="img" aria-label={overview.timeline}>
      {lanes.map(([lane, own]) => (
        <div key={lane} className={styles.lane}>
          <span className={styles.laneName}>
            <PlainText>{lane}</PlainText>
          </span>
          <svg
            viewBox={`0 0 100 ${HEIGHT}`}
            height={HEIGHT}
            preserveAspectRatio="none"
            aria-hidden
            focusable="false"
          >
            {own.map(job => {
              const [begin, end] = [Math.max(0, x(job.from)), Math.min(100, x(job.to))]
              const isTall = job.state === 'failed'
              const width = Math.max(LEAST, end - begin)
              return (
                <rect
                  key={job.id}
                  data-state={job.state}
                  x={Math.min(begin, 100 - width)}
                  y={isTall ? 0 : HEIGHT / 4}
                  width={width}
                  height={isTall ? HEIGHT : HEIGHT / 2}
                />
              )
            })}
          </svg>
        </div>
      ))}
      <div className={styles.lane}>
        <span />
        <span className={styles.hours}>
          <span>{format.hour(new Date(from))}</span>
          <span>{format.hour(new Date((from + to) / 2))}</span>
          <span>{format.hour(new Date(to))}</span>
        </span>
      </div>
    </div>
  )
}
