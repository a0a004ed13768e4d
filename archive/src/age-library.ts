import { createRequire } from 'node:module'

type AgeLibrary = typeof import('age-encryption')

const load = createRequire(import.meta.url)

/** The age library, loaded at its first use: that takes 50 ms, which a dump that was just started can use. */
export function ageLibrary(): AgeLibrary {
  return load('age-encryption') as AgeLibrary
}
