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
  // The router reads a target that is called 7 as a number.
  const target = typeof raw['target'] === 'number' ? String(raw['target']) : raw['target']
  const { overwrite, step, job } = raw
  return {
    ...(typeof target === 'string' && target !== '' && { target }),
    ...(overwrite === true && { overwrite }),
    ...(step === 'confirm' && { step }),
    ...(typeof job === 'string' && job !== '' && { job }),
  }
}

export const STEPS = ['target', 'plan', 'confirm', 'started'] as const
export type Step = (typeof STEPS)[number]

export function stepOf({ target, step, job }: RestoreSearch): Step {
  if (job !== undefined) return 'started'
  if (target === undefined) return 'target'
  return step ?? 'plan'
}
