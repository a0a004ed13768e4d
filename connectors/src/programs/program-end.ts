/** How a program ended. */
export interface ProgramEnd {
  /** null when a signal ended it, or it could not be started. */
  exitCode: number | null
  /** What it said on stderr; never empty where the exit code is not 0: who has failed without a word, how it ended. */
  words: string
}

/** An error with nothing behind its colon helps nobody: the exit code or the signal stands in for words. */
export function programEnd(
  words: string,
  { exitCode, signal }: { exitCode: number | null; signal: NodeJS.Signals | null },
): ProgramEnd {
  if (exitCode === 0 || words.trim() !== '') return { exitCode, words }
  const how = signal === null ? `exit code ${exitCode}` : `ended by ${signal}`
  return { exitCode, words: `it gave no reason (${how})` }
}
