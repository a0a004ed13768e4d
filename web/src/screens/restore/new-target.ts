import type { BackupDetails } from '#api/generated/types.gen.ts'

/** Of a name in telegram-backup.yaml. */
const MOST = 64
const ENDING = 'restored'

/** A target for a backup, which a person completes. The place of no real server is in it. */
export interface NewTarget {
  /** Where to restore, for the command line. */
  url: string
  /** For telegram-backup.yaml, by what the backup comes back as. */
  yaml: Readonly<Record<'database' | 'directory', string>>
}

/**
 * The names come from the source, so that the parts which a person has to write are few.
 * @param taken names of targets that the file has already
 */
export function newTargetFor(
  { source_name, project_id }: Pick<BackupDetails, 'source_name' | 'project_id'>,
  taken: readonly string[] = [],
): NewTarget {
  const stem = (source_name ?? project_id)
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, MOST - ENDING.length - '-99'.length)
  const name = firstFree(`${stem}-${ENDING}`, taken)
  const url = `postgresql://USER@HOST/${name.replace(/[^A-Za-z0-9_]/g, '_')}`
  const yamlOf = (place: string): string =>
    ['targets:', `  ${name}:`, `    ${place}`, `    project: "${project_id}"`].join('\n')
  return {
    url,
    yaml: { database: yamlOf(`postgres: "${url}"`), directory: yamlOf(`directory: "/srv/${name}"`) },
  }
}

function firstFree(name: string, taken: readonly string[]): string {
  const further = Array.from({ length: taken.length }, (_, number) => `${name}${number + 2}`)
  return [name, ...further].find(one => !taken.includes(one)) ?? name
}
