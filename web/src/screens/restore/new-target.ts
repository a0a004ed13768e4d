import type { BackupDetails } from '#api/generated/types.gen.ts'

/** Of a name in telegram-backup.yaml. */
const MOST = 64
const ENDING = '-restored'

/** A target for a backup, which a person completes. The place of no real server is in it. */
export interface NewTarget {
  /** Where to restore, for the command line. */
  url: string
  /** For telegram-backup.yaml, by what the backup comes back as. */
  yaml: Readonly<Record<'database' | 'directory', string>>
}

/** The names come from the source, so that the parts which a person has to write are few. */
export function newTargetFor({
  source_name,
  project_id,
}: Pick<BackupDetails, 'source_name' | 'project_id'>): NewTarget {
  const stem = (source_name ?? project_id)
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, MOST - ENDING.length)
  const database = `${stem.replace(/[^A-Za-z0-9_]/g, '_')}_restored`
  const url = `postgresql://USER@HOST/${database}`
  const yamlOf = (place: string): string =>
    ['targets:', `  ${stem}${ENDING}:`, `    ${place}`, `    project: "${project_id}"`].join('\n')
  return {
    url,
    yaml: {
      database: yamlOf(`postgres: "${url}"`),
      directory: yamlOf(`directory: "/srv/${stem}${ENDING}"`),
    },
  }
}
