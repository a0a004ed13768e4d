import { alerts } from '#words/de/alerts.ts'
import { backup } from '#words/de/backup.ts'
import { backups } from '#words/de/backups.ts'
import { charts } from '#words/de/charts.ts'
import { overview } from '#words/de/overview.ts'
import { people } from '#words/de/people.ts'
import { proof } from '#words/de/proof.ts'
import { restore } from '#words/de/restore.ts'
import { shell } from '#words/de/shell.ts'
import { signIn } from '#words/de/sign-in.ts'
import { states } from '#words/de/states.ts'
import type { Words } from '#words/en/index.ts'

export const de: Words = {
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
