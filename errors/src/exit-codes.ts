import { constants } from 'node:os'
import { describeError } from '#backup-error.ts'

/** The exit codes of `contract.md`. */
export const ExitCode = {
  DONE: 0,
  FAILED: 1,
  USAGE: 2,
  PARTIAL: 3,
  NOT_FOUND: 4,
  INTEGRITY: 5,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** As in shells: 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed terminal. */
export function exitCodeOfSignal(name: NodeJS.Signals): number {
  return 128 + constants.signals[name]
}

const BY_CODE: Readonly<Record<string, ExitCode>> = {
  CONFIGURATION: ExitCode.USAGE,
  INVALID: ExitCode.USAGE,
  NO_KEY: ExitCode.USAGE,
  USAGE: ExitCode.USAGE,
  NOT_FOUND: ExitCode.NOT_FOUND,
  INTEGRITY: ExitCode.INTEGRITY,
  DIFFERENT: ExitCode.INTEGRITY,
  WRONG_KEY: ExitCode.INTEGRITY,
}

/** The exit code for an error's `code`; 1 for all that are not listed. */
export function exitCodeOf(error: unknown): ExitCode {
  return exitCodeFor(describeError(error).code)
}

export function exitCodeFor(code: string | undefined): ExitCode {
  // Servers and files choose codes, too: one may be named as a property that every object has.
  if (code === undefined || !Object.hasOwn(BY_CODE, code)) return ExitCode.FAILED
  return BY_CODE[code] ?? ExitCode.FAILED
}
