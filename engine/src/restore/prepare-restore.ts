import { fileURLToPath } from 'node:url'
import { readDevices } from '@telegram-backup/connectors/directory/pack/devices.ts'
import { readOutsideLinks } from '@telegram-backup/connectors/directory/pack/outside-links.ts'
import { assertMayMakeDevices } from '@telegram-backup/connectors/directory/unpack/making-devices.ts'
import {
  DEVICES_HINT,
  LINKS_HINT,
  type OutsideAllowance,
} from '@telegram-backup/connectors/directory/unpack/member-rules.ts'
import type { TargetFolder } from '@telegram-backup/connectors/directory/unpack/target-folder.ts'
import type { DatabasePlan } from '@telegram-backup/connectors/postgres/restore/database-plan.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { Config } from '#environment.ts'
import type { RestoreTarget } from '#restore/restore-target.ts'

export type { OutsideAllowance }

/** What whoever asks for a restore may decide. */
export interface RestoreWishes {
  overwrite: boolean
  /** Keep the replaced database under another name. */
  keepOld: boolean
  /** Make roles that the server lacks. */
  createRoles: boolean
  /** Of a directory: what else comes back. */
  allow: readonly OutsideAllowance[]
}

/** A restore that has been looked at and not begun. */
export type PreparedRestore = {
  /** For people, and for the record; without secrets. */
  target: string
  /** `open` gives the verified plain bytes, once. */
  run(open: (signal: AbortSignal) => AsyncIterable<Buffer>): Promise<Record<string, unknown>>
} & (
  | { kind: 'postgres'; plan: DatabasePlan }
  | {
      kind: 'directory'
      folder: TargetFolder
      /** For people: what becomes of links that lead out; undefined where there are none, or none are known. */
      links: string | undefined
      /** The same of devices. */
      devices: string | undefined
    }
)

/** Looks at the target, and changes nothing. Throws what stands against the restore. */
export async function prepareRestore(
  target: RestoreTarget,
  backup: BackupDetails,
  of: { wishes: RestoreWishes; config: Config; signal: AbortSignal },
): Promise<PreparedRestore> {
  return target.kind === 'postgres'
    ? await prepareDatabase(target, backup, of)
    : await prepareDirectory(target, backup, of)
}

async function prepareDatabase(
  target: Extract<RestoreTarget, { kind: 'postgres' }>,
  backup: BackupDetails,
  { wishes, signal }: { wishes: RestoreWishes; signal: AbortSignal },
): Promise<PreparedRestore> {
  const { planDatabaseRestore } = await import(
    '@telegram-backup/connectors/postgres/restore/database-plan.ts'
  )
  const { restoreDatabase } = await import('@telegram-backup/connectors/postgres/restore/restore-database.ts')
  const { overwrite, keepOld, createRoles } = wishes
  const plan = await planDatabaseRestore(backup, target.connection, {
    overwrite,
    keepOld,
    createRoles,
    signal,
  })
  return {
    kind: 'postgres',
    plan,
    target: target.connection.display,
    run: async open => ({ ...(await restoreDatabase(plan, open, signal)), created_roles: plan.newRoles }),
  }
}

async function prepareDirectory(
  target: Extract<RestoreTarget, { kind: 'directory' }>,
  backup: BackupDetails,
  { wishes, config, signal }: { wishes: RestoreWishes; config: Config; signal: AbortSignal },
): Promise<PreparedRestore> {
  const { inspectFolder } = await import('@telegram-backup/connectors/directory/unpack/target-folder.ts')
  const { restoreDirectory } = await import(
    '@telegram-backup/connectors/directory/unpack/restore-directory.ts'
  )
  const links = outsideLinks(backup, wishes.allow)
  const devices = devicesIn(backup, wishes.allow)
  const folder = await inspectFolder(target.path, {
    overwrite: wishes.overwrite,
    sizeBytes: backup.size,
    keep: [
      config.stateFolder,
      ...[config.identityFile, config.signingKeyFile, config.configFile].filter(file => file !== undefined),
      fileURLToPath(import.meta.resolve('#package.json')),
    ],
  })
  return {
    kind: 'directory',
    folder,
    links,
    devices,
    target: folder.path,
    run: open => restoreDirectory(folder, open(signal), { allow: wishes.allow, signal }),
  }
}

/** Throws `USAGE` when the record knows of links that lead out and nothing was said of them: before the first byte is fetched. */
function outsideLinks({ source }: BackupDetails, allow: readonly OutsideAllowance[]): string | undefined {
  const known = readOutsideLinks(source)
  if (known === undefined) return undefined
  if (allow.includes('outside-links')) return `${known.words}; they are made as they are`
  if (allow.includes('no-outside-links')) return `${known.words}; they are left out`
  throw new BackupError(`Of the backup, ${known.words}`, {
    code: 'USAGE',
    hint: LINKS_HINT,
  })
}

/** Throws `CONFIGURATION` when the record knows of devices and nobody but root could make them, `USAGE` when nothing was said of them. */
function devicesIn(backup: BackupDetails, allow: readonly OutsideAllowance[]): string | undefined {
  const known = readDevices(backup.source)
  if (known === undefined) return undefined
  assertMayMakeDevices(backup)
  if (allow.includes('devices')) return `${known.words}; made as in the backup`
  throw new BackupError(`The backup holds ${known.words}`, { code: 'USAGE', hint: DEVICES_HINT })
}
