import { visibleText } from '#format/plain-text.tsx'

/** The word for a name of the API; a newer server may have names that this page has no word for. */
export function wordOf(names: Readonly<Record<string, string>>, name: string): string {
  return (Object.hasOwn(names, name) ? names[name] : undefined) ?? visibleText(name)
}
