import type { JobLogLine } from '@telegram-backup/database'
import { formatDay, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import type { Text } from '#commands/terminal-text.ts'

const STYLES = { warn: 'yellow', error: 'red' } as const

/** The log of a job for people: `06:33  send     Sent 3 parts`, below each new day its date. */
export function jobLogLines(lines: readonly JobLogLine[]): Text[] {
  const width = Math.max(0, ...lines.map(({ stage }) => stage.length))
  let day = ''
  return lines.flatMap(({ at, stage, level, text }) => {
    const isNewDay = formatDay(at) !== day
    day = formatDay(at)
    const time = formatTime(at).slice(day.length + 1)
    // A line break of another program must not look like a line of ours.
    const words = text.replaceAll(/\s*[\r\n]+\s*/g, ' ')
    const shown = level === 'info' ? words : { text: `${level}: ${words}`, style: STYLES[level] }
    return [...(isNewDay ? ['', `log of ${day}`] : []), [`${time}  ${stage.padEnd(width)}  `, shown]]
  })
}
