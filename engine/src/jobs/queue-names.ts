import type { Job } from '@telegram-backup/database'

/**
 * The queue in which a job waits. A backup waits by its source and a restore by its target, so that only
 * those processes take it whose telegram-backup.yaml names that. Undefined for an upload: its bytes come by
 * one connection to one process.
 */
export function queueOf(job: Pick<Job, 'kind' | 'source' | 'target'>): string | undefined {
  switch (job.kind) {
    case 'backup':
      return job.source === null ? undefined : `backup.${job.source}`
    case 'restore':
      return job.target === null ? undefined : `restore.${job.target}`
    case 'verify':
    case 'erase':
    case 'expire':
      return job.kind
  }
}

/** The queues that a process with these sources and targets takes jobs from. */
export function servedQueues(file: {
  sourceNames: readonly string[]
  targetNames: readonly string[]
}): string[] {
  return [
    ...file.sourceNames.map(name => `backup.${name}`),
    ...file.targetNames.map(name => `restore.${name}`),
    'verify',
    'erase',
    'expire',
  ]
}
