import type { SourceOverview } from '#api/generated/types.gen.ts'
import type { Words } from '#words/en/index.ts'

/** As people call it; backups that were sent by hand by their project and type. */
export function nameOf(
  { source, project_id, type }: Pick<SourceOverview, 'source' | 'project_id' | 'type'>,
  { overview }: Words,
): string {
  if (source !== null) return source
  return overview.byHandName(project_id ?? '–', type ?? '–')
}

/** Stable over answers. */
export function keyOf({ source, project_id, type }: SourceOverview): string {
  return JSON.stringify([source, project_id, type])
}

/** Of the element that names it, for what has to be described by its name. */
export function nameIdOf(source: SourceOverview): string {
  return `source ${keyOf(source)}`.replace(/[^A-Za-z0-9]/g, character => `-${character.codePointAt(0)}-`)
}
