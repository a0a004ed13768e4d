import type { Job } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** What a job is about, and the way to it. */
export function JobLink({ job }: { job: Job }) {
  const words = useWords()
  return (
    <AnchorLink to="/jobs/$id" params={{ id: job.id }} size="sm">
      <PlainText>{jobSubject(job, words)}</PlainText>
    </AnchorLink>
  )
}
