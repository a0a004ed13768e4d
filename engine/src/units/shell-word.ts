/** A path as a shell takes it for one word, for commands that a person copies. */
export function shellWord(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
