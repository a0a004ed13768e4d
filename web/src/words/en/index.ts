import { shell } from '#words/en/shell.ts'
import { states } from '#words/en/states.ts'

export const en = { shell, states }

/** What each language has to say; a missing text is an error of types. */
export type Words = typeof en
