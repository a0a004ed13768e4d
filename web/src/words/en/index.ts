import { alerts } from '#words/en/alerts.ts'
import { audit } from '#words/en/audit.ts'
import { backup } from '#words/en/backup.ts'
import { backups } from '#words/en/backups.ts'
import { buckets } from '#words/en/buckets.ts'
import { charts } from '#words/en/charts.ts'
import { job } from '#words/en/job.ts'
import { jobs } from '#words/en/jobs.ts'
import { keys } from '#words/en/keys.ts'
import { overview } from '#words/en/overview.ts'
import { people } from '#words/en/people.ts'
import { proof } from '#words/en/proof.ts'
import { restore } from '#words/en/restore.ts'
import { schedules } from '#words/en/schedules.ts'
import { shell } from '#words/en/shell.ts'
import { signIn } from '#words/en/sign-in.ts'
import { sources } from '#words/en/sources.ts'
import { states } from '#words/en/states.ts'

export const en = {
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

/** What each language has to say; a missing text is an error of types. */
export type Words = typeof en
