import { textIn } from '#shell/search.ts'

/** Where a person is in the assistant, as the URL has it: "back" goes to the step before, a reload stays. */
export interface RestoreSearch {
  target?: string
  overwrite?: true
  step?: 'confirm'
  /** The job that was started. */
  job?: string
}

/** What of a URL can be used; the rest is dropped. */
export function readRestoreSearch(raw: Record<string, unknown>): RestoreSearch {
  const { overwrite, step } = raw
  const [target, job] = [textIn(raw['target']), textIn(raw['job'])]
  return {
    ...(target !== undefined && { target }),
    ...(overwrite === true && { overwrite }),
    ...(step === 'confirm' && { step }),
    ...(job !== undefined && { job }),
  }
}

export const STEPS = ['target', 'plan', 'confirm', 'started'] as const
export type Step = (typeof STEPS)[number]

export function stepOf({ target, step, job }: RestoreSearch): Step {
  if (job !== undefined) return 'started'
  if (target === undefined) return 'target'
  return step ?? 'plan'
}
