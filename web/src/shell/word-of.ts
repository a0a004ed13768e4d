import { visibleText } from '#format/plain-text.tsx'

/** How something of that name looks, and as `unknown` if this page does not know the name. */
export function lookOf<Look>(looks: Readonly<Record<string, Look>>, name: string, unknown: Look): Look {
  return (Object.hasOwn(looks, name) ? looks[name] : undefined) ?? unknown
}

/** The word for a name of the API; a newer server may have names that this page has no word for. */
export function wordOf(names: Readonly<Record<string, string>>, name: string): string {
  return (Object.hasOwn(names, name) ? names[name] : undefined) ?? visibleText(name)
}
