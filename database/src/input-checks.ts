import { CatalogError } from '#catalog-error.ts'
import { BACKUP_STATES, BACKUP_TYPES } from '#jobs/types.backup.ts'

// The types say the same, but callers may be plain JavaScript, a command line or a request. Each check throws
// CatalogError INVALID.

/** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}` without `..`. */
export function checkProjectId(value: unknown): void {
  if (typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value) && !value.includes('..'))
    return
  throw invalid(
    'project id',
    'Use 1 to 64 letters, digits, dots, hyphens and underscores, first a letter or digit, and no “..”.',
  )
}

export function checkType(value: unknown): void {
  if (BACKUP_TYPES.some(type => type === value)) return
  throw invalid('backup type', `Use one of ${BACKUP_TYPES.join(', ')}.`)
}

export function checkState(value: unknown): void {
  if (BACKUP_STATES.some(state => state === value)) return
  throw invalid('backup state', `Use one of ${BACKUP_STATES.join(', ')}.`)
}

const MOST_TAGS = 16

/**
 * The tags, each once and sorted. A tag has 1 to 64 letters, digits, dots, underscores, colons and hyphens; a
 * backup has 16 at most.
 */
export function checkedTags(tags: readonly unknown[]): string[] {
  const known = new Set(tags.map(checkedTag))
  if (known.size > MOST_TAGS) throw invalid('number of tags', `A backup can have ${MOST_TAGS} tags at most.`)
  return [...known].sort()
}

export function checkedTag(tag: unknown): string {
  if (typeof tag === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(tag)) return tag
  throw invalid(
    `tag: ${JSON.stringify(String(tag).slice(0, 80))}`,
    'Use 1 to 64 letters, digits, dots, underscores, colons and hyphens.',
  )
}

export function checkUuid(name: string, value: unknown): void {
  if (!isUuid(value)) throw invalid(name, 'Use a UUID.')
}

/** Whether PostgreSQL would take it as a UUID in the usual form. */
export function isUuid(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
}

/** A whole number from `least` to 2^53 − 1. */
export function checkCount(name: string, value: unknown, least = 0): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return
  throw invalid(name, `Use a whole number, at least ${least}.`)
}

/** A text that is not empty. PostgreSQL knows no zero character. */
export function checkText(name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return
  throw invalid(name, 'Use a text that is not empty.')
}

export function checkTime(name: string, value: unknown): void {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return
  throw invalid(name, 'Use a Date.')
}

/** Limit and offset, where given, are whole numbers from 0. */
export function checkPage(page: { limit?: number; offset?: number }): void {
  if (page.limit !== undefined) checkCount('limit', page.limit)
  if (page.offset !== undefined) checkCount('offset', page.offset)
}

/** A text of unknown origin, such as an error message, without what PostgreSQL refuses in texts and JSON. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}

/** As JSON, with {@link storable} texts. */
export function storableJson(value: object): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? storable(part) : part))
}

function invalid(name: string, hint: string): CatalogError {
  return new CatalogError(`Not a valid ${name}`, { code: 'INVALID', hint })
}
