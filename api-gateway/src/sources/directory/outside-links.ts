/** A symbolic link of a backup that leads out of the directory. Path and target as their names are shown. */
export interface OutsideLink {
  path: string
  target: string
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
