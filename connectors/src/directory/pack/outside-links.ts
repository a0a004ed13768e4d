/** A symbolic link that leads out of the directory, with path and target as their names are shown. */
export type OutsideLink = {
  path: string
  target: string
}

/** Source facts of a directory about links that lead out of it. */
export interface OutsideLinksRecord {
  outside_link_count: number
  outside_links: OutsideLink[]
}

/**
 * How many there are, and one of them; undefined for none or an unknown number. The record is not trusted.
 */
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

/** The names between the slashes of a path, in any encoding with one character for a slash. */
export function componentsOf(name: string): string[] {
  return name.split('/').filter(component => component !== '' && component !== '.')
}

/**
 * Whether the target of a link may lie outside of the directory. A `..` counts as a step up only at the
 * beginning: behind a name, which may be a link, it leads anywhere.
 */
export function leadsOutside(link: readonly string[], target: string): boolean {
  if (target === '' || target.startsWith('/')) return true
  const steps = componentsOf(target)
  const climbs = steps.findIndex(step => step !== '..')
  const up = climbs < 0 ? steps.length : climbs
  return up >= link.length || steps.slice(up).includes('..')
}
