import { shell } from '#words/de/shell.ts'
import { states } from '#words/de/states.ts'
import type { Words } from '#words/en/index.ts'

export const de: Words = { shell, states }
