import { currentTime } from '#format/clock.ts'
import { useFormat } from '#format/format.ts'
import { useNow } from '#format/now.ts'
import { visibleText } from '#format/plain-text.tsx'
import styles from '#format/time.module.css'

/**
 * A time in the viewer’s zone, and beside it in the zone of its source, if that is another (empty: it has
 * none). Pointing at it shows the other form: how long ago it was, or the date.
 */
export function Time({
  at,
  zone,
  isRelative = false,
}: {
  at: string
  zone?: string | undefined
  isRelative?: boolean
}) {
  const format = useFormat()
  const seen = useNow()
  const then = Date.parse(at)
  // The clock of the page may be 15 seconds behind: what has just happened is not to come.
  const now = then > seen ? Math.min(then, currentTime()) : seen
  const there = zone && zone !== format.zone ? visibleText(format.timeIn(at, zone)) : undefined
  const ago = format.relative(at, new Date(now))
  const [shown, more] = isRelative ? [ago, format.time(at)] : [format.time(at), ago]
  return (
    // One thing also where its cell lays out its parts side by side.
    <span>
      <time dateTime={at} title={more} className={styles.time}>
        {shown}
      </time>
      {there === undefined ? null : <span className={styles.there}> · {there}</span>}
    </span>
  )
}
