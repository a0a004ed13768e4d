import type { Words } from '#words/en/index.ts'
import { backup } from '#words/ru/backup.ts'
import { backups } from '#words/ru/backups.ts'
import { restore } from '#words/ru/restore.ts'
import { shell } from '#words/ru/shell.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = { backup, backups, restore, shell, states }
