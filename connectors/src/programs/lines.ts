/** Of a line, at most: a name of 4096 bytes, each written as an octal escape, twice. The rest of a longer one is left out. */
export const MAX_LINE_LENGTH: number = 64 * 1024

/** Calls `onLine` for each line of the text, without its line feed; also for a last one that has none. */
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
