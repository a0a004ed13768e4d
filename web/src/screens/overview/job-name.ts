import type { Job } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { wordOf } from '#shell/word-of.ts'
import type { Words } from '#words/en/index.ts'

/** As `Backup shop`, or `Verification 3a790f59`, by what the job is about. */
export function jobName({ kind, source, target, backup_id }: Job, { overview }: Words): string {
  const about = source ?? backup_id?.slice(0, 8)
  const name = [wordOf(overview.kinds, kind), about && visibleText(about)].filter(Boolean).join(' ')
  return target === null ? name : `${name} → ${visibleText(target)}`
}
