import type { Job } from '@telegram-backup/database'

/**
 * The queue of a job. Each source and each target has its own, so that only processes take the job whose
 * telegram-backup.yaml names it; a drill goes to one that makes drills. Undefined for an upload, whose bytes
 * arrive at one process.
 */
export function queueOf(job: Pick<Job, 'kind' | 'source' | 'target'>): string | undefined {
  switch (job.kind) {
    case 'backup':
      return job.source === null ? undefined : `backup.${job.source}`
    case 'restore':
      return job.target === null ? undefined : `restore.${job.target}`
    case 'drill':
      if (job.target !== null) return `drill-on.${job.target}`
      return job.source === null ? 'drill' : `drill.${job.source}`
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
  /** Whether this process has a key that decrypts backups. */
  drills: boolean
}): string[] {
  return [
    ...file.sourceNames.map(name => `backup.${name}`),
    ...file.targetNames.map(name => `restore.${name}`),
    ...(file.drills
      ? [
          'drill',
          ...file.sourceNames.map(name => `drill.${name}`),
          ...file.targetNames.map(name => `drill-on.${name}`),
        ]
      : []),
    'verify',
    'erase',
    'expire',
  ]
}
