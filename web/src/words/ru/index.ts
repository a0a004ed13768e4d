import type { Words } from '#words/en/index.ts'
import { alerts } from '#words/ru/alerts.ts'
import { backup } from '#words/ru/backup.ts'
import { backups } from '#words/ru/backups.ts'
import { charts } from '#words/ru/charts.ts'
import { overview } from '#words/ru/overview.ts'
import { people } from '#words/ru/people.ts'
import { proof } from '#words/ru/proof.ts'
import { restore } from '#words/ru/restore.ts'
import { shell } from '#words/ru/shell.ts'
import { signIn } from '#words/ru/sign-in.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = {
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
