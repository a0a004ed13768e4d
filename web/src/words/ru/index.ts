import type { Words } from '#words/en/index.ts'
import { people } from '#words/ru/people.ts'
import { proof } from '#words/ru/proof.ts'
import { shell } from '#words/ru/shell.ts'
import { signIn } from '#words/ru/sign-in.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = { people, proof, shell, signIn, states }
