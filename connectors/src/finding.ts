/** What a check found; the warning says how to make it better. */
export interface Finding {
  message: string
  warning?: string | undefined
}

/** Looks for a program. What is missing is a warning: other kinds do without it. */
export interface ProgramCheck {
  name: string
  look(signal: AbortSignal): Promise<Finding>
}

/** What to do about a source whose type is not what it is. */
export function oddType(words: string): string {
  return `Set its type to what it is (${words}): retention and lists go by the type.`
}
