/**
 * Enough for two names of 4096 bytes, each written in octal escapes. The rest of a longer line is dropped.
 */
export const MAX_LINE_LENGTH: number = 64 * 1024

/** Calls `onLine` for each line, without its line feed; also for a last line that has none. */
export async function forEachLine(
  text: AsyncIterable<string>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = ''
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_LENGTH)
    for (const line of lines) onLine(line.slice(0, MAX_LINE_LENGTH))
  }
  if (rest !== '') onLine(rest)
}
