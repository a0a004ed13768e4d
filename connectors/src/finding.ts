/** What a check found; the warning says what to improve. */
export interface Finding {
  message: string
  warning?: string | undefined
}

/** Looks for a program. A missing one is a warning: other kinds do not need it. */
export interface ProgramCheck {
  name: string
  look(signal: AbortSignal): Promise<Finding>
}

/** A warning about a source whose type does not fit. */
export function oddType(words: string): string {
  return `Set its type to what it is (${words}): retention and lists go by the type.`
}
