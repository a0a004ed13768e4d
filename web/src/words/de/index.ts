import { alerts } from '#words/de/alerts.ts'
import { audit } from '#words/de/audit.ts'
import { backup } from '#words/de/backup.ts'
import { backups } from '#words/de/backups.ts'
import { buckets } from '#words/de/buckets.ts'
import { charts } from '#words/de/charts.ts'
import { job } from '#words/de/job.ts'
import { jobs } from '#words/de/jobs.ts'
import { keys } from '#words/de/keys.ts'
import { overview } from '#words/de/overview.ts'
import { people } from '#words/de/people.ts'
import { proof } from '#words/de/proof.ts'
import { restore } from '#words/de/restore.ts'
import { schedules } from '#words/de/schedules.ts'
import { shell } from '#words/de/shell.ts'
import { signIn } from '#words/de/sign-in.ts'
import { sources } from '#words/de/sources.ts'
import { states } from '#words/de/states.ts'
import type { Words } from '#words/en/index.ts'

export const de: Words = {
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
