import type { Words } from '#words/en/index.ts'
import { audit } from '#words/ru/audit.ts'
import { job } from '#words/ru/job.ts'
import { jobs } from '#words/ru/jobs.ts'
import { schedules } from '#words/ru/schedules.ts'
import { shell } from '#words/ru/shell.ts'
import { sources } from '#words/ru/sources.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = { shell, states, audit, job, jobs, schedules, sources }
