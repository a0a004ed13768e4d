import type { Format } from '#format/format.ts'
import { wordOf } from '#shell/word-of.ts'
import type { Words } from '#words/en/index.ts'

/** Rows of the catalog, which no screen shows. */
const NOWHERE: ReadonlySet<string> = new Set(['restore_id'])

/**
 * What is known of an event of a backup, each fact once. The fields depend on the event; those of a
 * newer version stand as they are.
 */
export function detailLines(
  details: Readonly<Record<string, unknown>>,
  { words, format }: { words: Words['backup']; format: Format },
): string[] {
  const lines = Object.entries(details)
    .filter(([name, value]) => !NOWHERE.has(name) && value !== null && value !== 0 && value !== false)
    .flatMap(([name, value]) => {
      // The kind and the result of a verification need no name.
      if (name === 'kind' || name === 'state')
        return wordOf({ ...words.kinds, ...words.results }, textOf(value))
      if (name === 'history') return earlier(value, { words, format })
      const shown =
        name === 'bytes' && typeof value === 'number'
          ? format.bytes(value)
          : value === true
            ? words.yes
            : wordOf(words.detailValues, textOf(value))
      return `${wordOf(words.detailNames, name)}: ${shown}`
    })
  return [...new Set(lines)]
}

/** What the chat knew of the backup before the catalog was recovered. */
function earlier(events: unknown, { words, format }: { words: Words['backup']; format: Format }): string[] {
  return (Array.isArray(events) ? events : []).flatMap((event: unknown) => {
    if (typeof event !== 'object' || event === null || !('event' in event) || !('at' in event)) return []
    const what = wordOf(words.events, textOf(event.event))
    const times = 'count' in event && typeof event.count === 'number' && event.count > 1
    return `${format.time(textOf(event.at))} ${what}${times ? ` (${words.times(Number(event.count))})` : ''}`
  })
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value.join(', ')
  return JSON.stringify(value) ?? ''
}
