import { shownName } from '@telegram-backup/archive/escaped-names'
import { contentsIn } from '#postgres/contents-record.ts'
import { LEFT_OUT_REASONS, type LeftOut } from '#postgres/left-out.ts'
import type { SourceRecord } from '#recorded-backup.ts'
import { recordedCount } from '#source-words.ts'

/** At most so many of what was left out are named. */
const MOST_NAMED = 3

/**
 * `recorded: 12 tables, fast; not hashed: …`; undefined for a record without contents. Nothing is trusted.
 */
export function contentsWords(facts: SourceRecord): string | undefined {
  const contents = contentsIn(facts)
  if (contents === undefined) return undefined
  const hashes = contents.hashes
  if (typeof hashes !== 'object' || hashes === null) {
    const counted = recordedCount({ counted: contents.counted }, 'counted', 'table')
    return contents.counted === 0 ? 'not recorded' : `recorded: numbers of rows of ${counted}`
  }
  const { tables, others, left_out: leftOut, left_out_more: more = 0, algorithm } = hashes
  if (!Array.isArray(tables) || !Array.isArray(leftOut)) return undefined
  const hashed = recordedCount({ tables: tables.length + numberIn(others?.tables) }, 'tables', 'table')
  const named = leftOut.slice(0, MOST_NAMED).map(leftOutWords)
  const unnamed = leftOut.length - named.length + numberIn(more)
  const left = [...named, ...(unnamed > 0 ? [`${unnamed} more`] : [])].join(', ')
  return `recorded: ${hashed}, ${shownName(String(algorithm))}${left === '' ? '' : `; not hashed: ${left}`}`
}

function leftOutWords(one: LeftOut): string {
  const [schema, table, reason] = Array.isArray(one) ? one : [null, null, 'refused' as const]
  const name =
    typeof schema === 'string' && typeof table === 'string'
      ? shownName(`${schema}.${table}`)
      : 'large objects'
  const words = Object.hasOwn(LEFT_OUT_REASONS, reason) ? LEFT_OUT_REASONS[reason] : undefined
  return words === undefined ? name : `${name} (${words})`
}

function numberIn(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}
