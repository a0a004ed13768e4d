import type { Words } from '#words/en/index.ts'
import { alerts } from '#words/ru/alerts.ts'
import { audit } from '#words/ru/audit.ts'
import { backup } from '#words/ru/backup.ts'
import { backups } from '#words/ru/backups.ts'
import { buckets } from '#words/ru/buckets.ts'
import { charts } from '#words/ru/charts.ts'
import { job } from '#words/ru/job.ts'
import { jobs } from '#words/ru/jobs.ts'
import { keys } from '#words/ru/keys.ts'
import { overview } from '#words/ru/overview.ts'
import { people } from '#words/ru/people.ts'
import { proof } from '#words/ru/proof.ts'
import { restore } from '#words/ru/restore.ts'
import { schedules } from '#words/ru/schedules.ts'
import { shell } from '#words/ru/shell.ts'
import { signIn } from '#words/ru/sign-in.ts'
import { sources } from '#words/ru/sources.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = {
  alerts,
  audit,
  backup,
  backups,
  buckets,
  charts,
  job,
  jobs,
  keys,
  overview,
  people,
  proof,
  restore,
  schedules,
  shell,
  signIn,
  sources,
  states,
}
