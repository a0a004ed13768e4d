import { people } from '#words/de/people.ts'
import { proof } from '#words/de/proof.ts'
import { shell } from '#words/de/shell.ts'
import { signIn } from '#words/de/sign-in.ts'
import { states } from '#words/de/states.ts'
import type { Words } from '#words/en/index.ts'

export const de: Words = { people, proof, shell, signIn, states }
