import { alerts } from '#words/en/alerts.ts'
import { backup } from '#words/en/backup.ts'
import { backups } from '#words/en/backups.ts'
import { charts } from '#words/en/charts.ts'
import { overview } from '#words/en/overview.ts'
import { people } from '#words/en/people.ts'
import { proof } from '#words/en/proof.ts'
import { restore } from '#words/en/restore.ts'
import { shell } from '#words/en/shell.ts'
import { signIn } from '#words/en/sign-in.ts'
import { states } from '#words/en/states.ts'

export const en = {
  alerts,
  backup,
  backups,
  charts,
  overview,
  people,
  proof,
  restore,
  shell,
  signIn,
  states,
}

/** What each language has to say; a missing text is an error of types. */
export type Words = typeof en
