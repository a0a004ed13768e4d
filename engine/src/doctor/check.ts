import type { Finding } from '@telegram-backup/connectors/finding.ts'
import { describeError, exitCodeOf } from '@telegram-backup/errors'
import type { Config } from '#environment.ts'

export type { Finding }

export interface CheckScope {
  config: Config
  signal: AbortSignal
}

/** A check of `doctor`. An error of `look` makes it a failed check, with message, hint and exit code. */
export interface DoctorCheck<Scope = CheckScope> {
  name: string
  /** Undefined where there is nothing to check, and nothing to show. */
  look: (scope: Scope) => Promise<Finding | undefined>
}

export interface Check {
  name: string
  state: 'ok' | 'warning' | 'failed'
  message: string
  /** How to fix it. */
  hint?: string | undefined
  /** Only a failed check has one. */
  exitCode?: number
}

/** Never rejects. */
export async function perform<Scope>(
  { name, look }: DoctorCheck<Scope>,
  scope: Scope,
): Promise<Check | undefined> {
  try {
    const finding = await look(scope)
    if (finding === undefined) return undefined
    const { message, warning } = finding
    return { name, message, state: warning === undefined ? 'ok' : 'warning', hint: warning || undefined }
  } catch (error) {
    return failed(name, error)
  }
}

export function failed(name: string, error: unknown): Check {
  const { message, hint } = describeError(error)
  return { name, state: 'failed', message, hint: hint || undefined, exitCode: exitCodeOf(error) }
}
