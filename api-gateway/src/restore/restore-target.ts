import { stat } from 'node:fs/promises'
import type { BackupDetails } from '@telegram-backup/database'
import type { Config } from '#config.ts'
import { readConfigFile } from '#config-file.ts'
import { BackupError } from '#lib/backups/backup-error.ts'
import { type PostgresConnection, parsePostgresUrl } from '#postgres/connection.ts'

/** Where a restore goes. */
export type RestoreTarget =
  | { kind: 'postgres'; connection: PostgresConnection }
  | { kind: 'directory'; path: string }

const POSTGRES_URL = /^postgres(ql)?:\/\//i

/**
 * What `--to` means: a PostgreSQL URL, the name of a target in `telegram-backup.yaml`, or a directory. Throws `USAGE` when
 * the backup is not of that kind, and `CONFIGURATION` for a file that is wrong.
 */
export async function chooseTarget(
  to: string,
  backup: BackupDetails,
  config: Config,
): Promise<RestoreTarget> {
  const target = await readTarget(to, config)
  const isDirectory = holdsDirectory(backup)
  if (isDirectory === (target.kind === 'directory')) return target
  throw new BackupError(
    isDirectory
      ? `Backup ${backup.id} is of a directory, and the target is a database`
      : `Backup ${backup.id} is not of a directory, but of one file (${backup.filename ?? 'without a name'})`,
    {
      code: 'USAGE',
      hint: isDirectory
        ? 'Give a directory: --to ./restored'
        : 'Give a PostgreSQL URL for a database dump; for any other file: telegram-backup fetch ID --out FILE.',
    },
  )
}

async function readTarget(to: string, config: Config): Promise<RestoreTarget> {
  if (POSTGRES_URL.test(to)) return { kind: 'postgres', connection: parsePostgresUrl(to) }
  const file = to.includes('/') ? undefined : await readConfigFile(config)
  if (file?.targetNames.includes(to))
    return { kind: 'postgres', connection: parsePostgresUrl(file.target(to).postgres) }
  if (file !== undefined && file.targetNames.length > 0 && !(await stat(to).catch(() => undefined))) {
    throw new BackupError(`${file.path} names no target ${JSON.stringify(to)}`, {
      code: 'USAGE',
      hint: `There are: ${file.targetNames.join(', ')}. For a new directory of that name, write ./${to}`,
    })
  }
  if (to === '') throw new BackupError('The target is empty', { code: 'USAGE', hint: 'Give --to DIRECTORY.' })
  return { kind: 'directory', path: to }
}

/** Throws `USAGE` for a backup that has no files in it to be listed or picked. */
export function assertHoldsFiles(backup: BackupDetails): void {
  if (holdsDirectory(backup)) return
  throw new BackupError(
    `Backup ${backup.id} is not of a directory, but of one file (${backup.filename ?? 'without a name'})`,
    {
      code: 'USAGE',
      hint: 'Fetch the whole of it: telegram-backup fetch ID --out FILE.',
    },
  )
}

/** A tar file, made by `send --directory` or given as one. */
function holdsDirectory(backup: BackupDetails): boolean {
  const kind = backup.source?.['kind']
  return kind === 'directory' || (kind !== 'postgres' && /\.tar$/.test(backup.filename ?? ''))
}
