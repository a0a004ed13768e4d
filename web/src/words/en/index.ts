import { backup } from '#words/en/backup.ts'
import { backups } from '#words/en/backups.ts'
import { restore } from '#words/en/restore.ts'
import { shell } from '#words/en/shell.ts'
import { states } from '#words/en/states.ts'

export const en = { backup, backups, restore, shell, states }

/** What each language has to say; a missing text is an error of types. */
export type Words = typeof en
