import type { Job } from '@telegram-backup/database'

/**
 * The queue of a job. Each source and each target has its own, so that only processes take the job whose
 * telegram-backup.yaml names it. Undefined for an upload, whose bytes arrive at one process.
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
