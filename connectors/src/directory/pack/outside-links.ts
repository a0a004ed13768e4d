/** A symbolic link of a backup that leads out of the directory. Path and target as their names are shown. */
export type OutsideLink = {
  path: string
  target: string
}

/** What the record of a directory says of links that lead out of it, in its source facts. */
export interface OutsideLinksRecord {
  outside_link_count: number
  /** The first of them. */
  outside_links: OutsideLink[]
}

/** For people: how many there are, and one of them; undefined for none, and where a record does not tell. It is not believed. */
export function readOutsideLinks(
  source: Record<string, unknown> | null | undefined,
): { words: string } | undefined {
  const count = source?.['outside_link_count']
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) return undefined
  const links: unknown = source?.['outside_links']
  const { path, target } = ((Array.isArray(links) ? links[0] : undefined) ?? {}) as Record<string, unknown>
  const example =
    typeof path === 'string' ? `, for example ${path.slice(0, 200)} -> ${String(target).slice(0, 200)}` : ''
  return { words: `${count} ${count === 1 ? 'link leads' : 'links lead'} out of the directory${example}` }
}

/** The names between the slashes of a path; any text of which each character stands for itself. */
export function componentsOf(name: string): string[] {
  return name.split('/').filter(component => component !== '' && component !== '.')
}

/**
 * Whether the target of a link lies outside of the directory, or may: a `..` counts as a step up from the link's folder
 * only where no name comes before it, since a name may be a link and lead elsewhere.
 */
export function leadsOutside(link: readonly string[], target: string): boolean {
  if (target === '' || target.startsWith('/')) return true
  const steps = componentsOf(target)
  const climbs = steps.findIndex(step => step !== '..')
  const up = climbs < 0 ? steps.length : climbs
  return up >= link.length || steps.slice(up).includes('..')
}
