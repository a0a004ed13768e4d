import { visibleText } from '#format/plain-text.tsx'

/** How something of that name looks, and as `unknown` if this page does not know the name. */
export function lookOf<Name extends string, Look>(
  looks: Readonly<Record<Name, Look>>,
  name: Name,
  unknown: Look,
): Look {
  return (Object.hasOwn(looks, name) ? looks[name] : undefined) ?? unknown
}

/** The word for a name of the API; a newer server may have names that this page has no word for. */
export function wordOf<Name extends string>(names: Readonly<Record<Name, string>>, name: Name): string {
  return (Object.hasOwn(names, name) ? names[name] : undefined) ?? visibleText(name)
}
