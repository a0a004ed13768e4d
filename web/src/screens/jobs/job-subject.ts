import type { Job } from '#api/generated/types.gen.ts'
import { wordOf } from '#shell/word-of.ts'
import type { Words } from '#words/en/index.ts'

/** What a job is about, as `Backup of shop`. */
export function jobSubject({ kind, source, target, backup_id }: Job, { jobs }: Words): string {
  const { subject } = jobs
  const backup = backup_id?.slice(0, 8) ?? subject.unknown
  switch (kind) {
    case 'backup':
      return source === null ? subject.upload : subject.backup(source)
    case 'restore':
      return subject.restore(backup, target ?? '–')
    case 'expire':
      return subject.expire
    case 'verify':
    case 'drill':
    case 'erase':
      return subject[kind](backup)
    default:
      return wordOf(jobs.kinds, kind)
  }
}
