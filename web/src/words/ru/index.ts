import type { Words } from '#words/en/index.ts'
import { shell } from '#words/ru/shell.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = { shell, states }
