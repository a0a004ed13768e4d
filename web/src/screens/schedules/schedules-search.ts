import { oneOf, textIn } from '#shell/search.ts'

export const SORTS = ['next', 'source'] as const

/** What the address of the schedules says: which of them, in which order, and which dialog is open. */
export interface SchedulesSearch {
  source?: string
  sort?: (typeof SORTS)[number]
  /** The name of a source, or empty: a new schedule. */
  add?: string
  /** The id of a schedule that is changed. */
  change?: string
  /** The id of a schedule whose retention is shown. */
  retention?: string
}

export function readSchedulesSearch(search: Record<string, unknown>): SchedulesSearch {
  const { add } = search
  return {
    source: textIn(search['source']),
    sort: oneOf(SORTS, search['sort']),
    add: add === '' ? '' : textIn(add),
    change: textIn(search['change']),
    retention: textIn(search['retention']),
  }
}
