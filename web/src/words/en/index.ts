import { audit } from '#words/en/audit.ts'
import { job } from '#words/en/job.ts'
import { jobs } from '#words/en/jobs.ts'
import { schedules } from '#words/en/schedules.ts'
import { shell } from '#words/en/shell.ts'
import { sources } from '#words/en/sources.ts'
import { states } from '#words/en/states.ts'

export const en = { shell, states, audit, job, jobs, schedules, sources }

/** What each language has to say; a missing text is an error of types. */
export type Words = typeof en
