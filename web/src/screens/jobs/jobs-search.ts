import { oneOf, textIn } from '#shell/search.ts'

export const JOB_KINDS = ['backup', 'restore', 'verify', 'drill', 'erase', 'expire'] as const
export const JOB_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const

/** What the address of the jobs says: which of them, and from where. */
export interface JobsSearch {
  project?: string
  kind?: (typeof JOB_KINDS)[number]
  state?: (typeof JOB_STATES)[number]
  source?: string
  cursor?: string
}

export function readJobsSearch(search: Record<string, unknown>): JobsSearch {
  return {
    project: textIn(search['project']),
    kind: oneOf(JOB_KINDS, search['kind']),
    state: oneOf(JOB_STATES, search['state']),
    source: textIn(search['source']),
    cursor: textIn(search['cursor']),
  }
}
