import type { Job } from '#api/generated/types.gen.ts'
import { wordOf } from '#shell/word-of.ts'
import type { Words } from '#words/en/index.ts'

/**
 * What a job is about, as `Backup of shop`, or `Verification of 3a790f59` where the job names no source, or
 * `Verification of bucket laptops`.
 */
export function jobSubject({ kind, source, target, backup_id, bucket }: Job, { jobs }: Words): string {
  const { subject } = jobs
  const about = source ?? backup_id?.slice(0, 8) ?? subject.unknown
  switch (kind) {
    case 'backup':
      return source === null ? subject.upload : subject.backup(source)
    case 'restore':
      return subject.restore(about, target ?? '–')
    case 'expire':
      return subject.expire
    case 'verify':
      return bucket === null ? subject.verify(about) : subject.verifyBucket(bucket)
    case 'drill':
    case 'erase':
      return subject[kind](about)
    default:
      return wordOf(jobs.kinds, kind)
  }
}
