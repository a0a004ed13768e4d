import { audit } from '#words/de/audit.ts'
import { job } from '#words/de/job.ts'
import { jobs } from '#words/de/jobs.ts'
import { schedules } from '#words/de/schedules.ts'
import { shell } from '#words/de/shell.ts'
import { sources } from '#words/de/sources.ts'
import { states } from '#words/de/states.ts'
import type { Words } from '#words/en/index.ts'

export const de: Words = { shell, states, audit, job, jobs, schedules, sources }
