import { stat } from 'node:fs/promises'
import { type PostgresConnection, parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { ConfigFile } from '#config/config-file.ts'
import type { Config } from '#environment.ts'

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
  const mayBeDirectory = backup.type !== 'database' || holdsDirectory(backup)
  return fitting(await readTarget(to, config, { mayBeDirectory }), backup)
}

/**
 * A target of `telegram-backup.yaml`, and nothing else: whoever names it is not to reach any other place. Throws
 * `CONFIGURATION` for an unknown name, and `USAGE` when the backup is not of that kind.
 */
export function namedTarget(
  name: string,
  backup: BackupDetails,
  configFile: Pick<ConfigFile, 'target'>,
): RestoreTarget {
  const { postgres } = configFile.target(name)
  return fitting({ kind: 'postgres', connection: parsePostgresUrl(postgres) }, backup)
}

function fitting(target: RestoreTarget, backup: BackupDetails): RestoreTarget {
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

/**
 * What `--to` means, of whatever kind the backup is. Throws `USAGE`, `CONFIGURATION`.
 *
 * @param options.mayBeDirectory whether a name that is no target's may be meant for a directory
 */
export async function readTarget(
  to: string,
  config: Config,
  { mayBeDirectory }: { mayBeDirectory: boolean },
): Promise<RestoreTarget> {
  if (to === '') throw new BackupError('The target is empty', { code: 'USAGE', hint: 'Give --to DIRECTORY.' })
  if (POSTGRES_URL.test(to)) return { kind: 'postgres', connection: parsePostgresUrl(to) }
  const { readConfigFile } = await import('#config/config-file.ts')
  const file = to.includes('/') ? undefined : await readConfigFile(config)
  if (file?.targetNames.includes(to))
    return { kind: 'postgres', connection: parsePostgresUrl(file.target(to).postgres) }
  if (file === undefined) return { kind: 'directory', path: to }
  const { path, targetNames } = file
  if (!mayBeDirectory || (targetNames.length > 0 && !(await stat(to).catch(() => undefined)))) {
    const words = path === undefined ? 'There is no telegram-backup.yaml that names a' : `${path} names no`
    const known = targetNames.length > 0 ? `There are: ${targetNames.join(', ')}. ` : ''
    throw new BackupError(`${words} target ${JSON.stringify(to.slice(0, 80))}`, {
      code: 'USAGE',
      hint: `${known}${mayBeDirectory ? `For a new directory of that name, write ./${to}` : 'Give a PostgreSQL URL, or write the target into the file.'}`,
    })
  }
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
export function holdsDirectory(backup: Pick<BackupDetails, 'source' | 'filename'>): boolean {
  const kind = backup.source?.['kind']
  return kind === 'directory' || (kind !== 'postgres' && /\.tar$/.test(backup.filename ?? ''))
}
