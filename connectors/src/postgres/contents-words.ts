import { shownName } from '@telegram-backup/archive/escaped-names'
import { contentsIn } from '#postgres/contents-record.ts'
import { type LeftOut, reasonWords } from '#postgres/left-out.ts'
import type { SourceRecord } from '#recorded-backup.ts'
import { recordedCount } from '#source-words.ts'

/** At most so many of what was left out are named. */
const MOST_NAMED = 3

/** `recorded: 12 tables, fast; not hashed: …`; undefined for a record without contents. */
export function contentsWords(facts: SourceRecord): string | undefined {
  const contents = contentsIn(facts)
  if (contents === undefined) return undefined
  const { hashes } = contents
  if (hashes === undefined) {
    const counted = recordedCount({ counted: contents.counted }, 'counted', 'table')
    return contents.counted === 0 ? 'not recorded' : `recorded: numbers of rows of ${counted}`
  }
  if (hashes.version !== 1) return 'recorded by a newer version'
  const { tables, others, left_out: leftOut, left_out_more: more = 0, algorithm } = hashes
  const hashed = recordedCount({ tables: tables.length + (others?.tables ?? 0) }, 'tables', 'table')
  const named = leftOut.slice(0, MOST_NAMED).map(leftOutWords)
  const unnamed = leftOut.length - named.length + more
  const left = [...named, ...(unnamed > 0 ? [`${unnamed} more`] : [])].join(', ')
  return `recorded: ${hashed}, ${shownName(String(algorithm))}${left === '' ? '' : `; not hashed: ${left}`}`
}

function leftOutWords([schema, table, reason]: LeftOut): string {
  const name = schema === null || table === null ? 'large objects' : shownName(`${schema}.${table}`)
  return `${name} (${shownName(reasonWords(reason))})`
}
