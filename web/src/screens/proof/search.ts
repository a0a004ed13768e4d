import type { Verification } from '#api/generated/types.gen.ts'

type State = Verification['state']
export const STATES: readonly State[] = ['running', 'sound', 'failed', 'damaged']

/** What the address of the list says. */
export interface ProofSearch {
  project?: string
  source?: string
  state?: State
  /** Where the page of the list begins. */
  cursor?: string
}

/** As the server wants names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export function proofSearch({ project, source, state, cursor }: Record<string, unknown>): ProofSearch {
  const known = STATES.find(one => one === state)
  return {
    ...(isName(project) && { project }),
    ...(isName(source) && { source }),
    ...(known !== undefined && { state: known }),
    ...(typeof cursor === 'string' && /^[\w-]{1,200}$/.test(cursor) && { cursor }),
  }
}

/** A name of digits alone comes as a number from the address. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}
