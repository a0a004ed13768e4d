import { textIn } from '#shell/search.ts'

/** What the address of the audit says. Days are those of the viewer; both are included. */
export interface AuditSearch {
  actor?: string
  act?: string
  object?: string
  project?: string
  from?: string
  to?: string
  cursor?: string
}

export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  return {
    actor: textIn(search['actor']),
    act: textIn(search['act']),
    object: textIn(search['object']),
    project: textIn(search['project']),
    from: dayIn(search['from']),
    to: dayIn(search['to']),
    cursor: textIn(search['cursor']),
  }
}

function dayIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && startOf(value) !== undefined
    ? value
    : undefined
}

/** The first moment of a day of the viewer, or of one some days later; undefined for a day that never was. */
export function startOf(day: string, later = 0): string | undefined {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number)
  const start = new Date(year, month - 1, date + later)
  return Number.isNaN(start.getTime()) ? undefined : start.toISOString()
}
