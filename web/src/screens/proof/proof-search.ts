import type { Verification } from '#api/generated/types.gen.ts'
import { oneOf, textIn } from '#shell/search.ts'

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

export function readProofSearch(raw: Record<string, unknown>): ProofSearch {
  const [project, source, cursor] = [nameIn(raw['project']), nameIn(raw['source']), textIn(raw['cursor'])]
  const state = oneOf(STATES, raw['state'])
  return {
    ...(project !== undefined && { project }),
    ...(source !== undefined && { source }),
    ...(state !== undefined && { state }),
    ...(cursor !== undefined && /^[\w-]+$/.test(cursor) && { cursor }),
  }
}

function nameIn(value: unknown): string | undefined {
  const text = textIn(value)
  return text !== undefined && NAME.test(text) ? text : undefined
}
