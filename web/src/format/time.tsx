import { Tooltip } from '@mantine/core'
import { useFormat } from '#format/format.ts'

/** A time in the viewer’s zone, how long ago it was, and the time in the zone of its source, if another. */
export function Time({ at, zone, isRelative = false }: { at: string; zone?: string; isRelative?: boolean }) {
  const format = useFormat()
  const there = zone !== undefined && zone !== format.zone ? `${format.time(at, zone)} (${zone})` : undefined
  const [shown, more] = isRelative
    ? [format.relative(at), format.time(at)]
    : [format.time(at), format.relative(at)]
  return (
    <Tooltip
      label={there === undefined ? more : `${more} · ${there}`}
      events={{ hover: true, focus: true, touch: true }}
    >
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {shown}
      </time>
    </Tooltip>
  )
}
