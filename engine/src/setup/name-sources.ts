import type { NamedPlace } from '#setup/places.ts'

export interface NamedSources {
  /** By name, as they stand in telegram-backup.yaml. */
  sources: Record<string, Record<string, string>>
  /** The passwords that they refer to, by the name of the variable. */
  secrets: Record<string, string>
}

/** Gives each place a name that is neither taken nor another's, and each password a variable. */
export function nameSources(
  places: readonly NamedPlace[],
  { project, taken }: { project: string; taken: readonly string[] },
): NamedSources {
  const names = new Set(taken)
  const secrets: Record<string, string> = {}
  const sources = places.map(({ setting, type, place, name: base, secret }) => {
    const name = unusedName(base, names)
    names.add(name)
    const variable = unusedVariable(name, secrets)
    if (secret !== undefined) secrets[variable] = secret.value
    return [name, { project, type, [setting]: secret?.placeWith(variable) ?? place }]
  })
  return { sources: Object.fromEntries(sources), secrets }
}

const MOST_CHARACTERS = 64

/** Any text as a name that a project or a source may have. */
export function plainName(text: string): string {
  const plain = text
    .slice(0, 1024)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MOST_CHARACTERS)
    .replace(/[^A-Za-z0-9]+$/, '')
  return plain || 'source'
}

function unusedName(base: string, taken: ReadonlySet<string>): string {
  const plain = plainName(base)
  for (let number = 1; ; number++) {
    const end = number === 1 ? '' : `-${number}`
    const name = `${plain.slice(0, MOST_CHARACTERS - end.length)}${end}`
    if (!taken.has(name)) return name
  }
}

/** Not one of libpq, which every program of PostgreSQL would get, and not one of this program. */
function unusedVariable(name: string, taken: Readonly<Record<string, string>>): string {
  const base = `SOURCE_${name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
  for (let number = 1; ; number++) {
    const variable = `${base}${number === 1 ? '' : `_${number}`}_PASSWORD`
    if (!Object.hasOwn(taken, variable)) return variable
  }
}
