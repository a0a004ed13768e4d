/**
 * The word for a name that the server gives, which may be of a later version, or that of a property that
 * every object has.
 */
export function wordOf(words: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined
}
