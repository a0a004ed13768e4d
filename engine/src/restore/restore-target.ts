import { stat } from 'node:fs/promises'
import type { MemberConnector } from '@telegram-backup/connectors/members.ts'
import {
  CONNECTORS,
  recordedKind,
  restoreOf,
  restoringConnector,
} from '@telegram-backup/connectors/registry.ts'
import type {
  RestoreConnector,
  RestoreTarget,
  RestoreWish,
  RestoreWishes,
} from '@telegram-backup/connectors/restoring.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError, type Hint, hint, option, run } from '@telegram-backup/errors'
import type { TargetSettings } from '#config/config-file-schema.ts'
import type { Config } from '#environment.ts'

export type { RestoreTarget, RestoreWish }

/**
 * Reads the target of a restore: a URL, the name of a target in `telegram-backup.yaml`, or a directory.
 * Throws `USAGE` when the backup does not fit it, `CONFIGURATION` for a wrong file.
 */
export async function chooseTarget(
  to: string,
  backup: BackupDetails,
  config: Config,
): Promise<RestoreTarget> {
  const mayBeDirectory = backup.type !== 'database' || holdsDirectory(backup)
  // One form of text may name targets of several kinds, such as a database, or the server that it is on.
  const own = restoringConnector(backup)?.restore
  const isOwn = own !== undefined && own.form !== 'path' && own.form.test(to)
  const target = isOwn ? await own.readTarget(to) : await readTarget(to, config, { mayBeDirectory })
  assertRestorable(backup, target)
  return target
}

/** The place of an entry below `targets:`. Throws `USAGE` for a malformed one. */
export async function targetIn(settings: TargetSettings): Promise<RestoreTarget> {
  const { restore, text } = placeIn(settings)
  return await restore.readTarget(text)
}

/** The kind of an entry below `targets:`; its text is not read. */
export function targetKindIn(settings: TargetSettings): RestoreTarget {
  const { kind } = placeIn(settings)
  return { kind }
}

function placeIn(settings: TargetSettings): { kind: string; restore: RestoreConnector; text: string } {
  for (const { kind, place, restore } of CONNECTORS) {
    const text = settings[place as keyof TargetSettings]
    if (restore !== undefined && text !== undefined) return { kind, restore, text }
  }
  throw new BackupError('The target has no place: no URL and no directory', { code: 'CONFIGURATION' })
}

type Restorable = Pick<BackupDetails, 'id' | 'source' | 'filename'>

/** Whether a backup can be restored into targets of this kind. */
export function fits(backup: Restorable, target: RestoreTarget): boolean {
  const own = restoringConnector(backup)
  return own === undefined ? restoreOf(target).takesOthers : own.kind === target.kind
}

/** Throws `USAGE` for a backup that does not fit the target, or a wish that its kind does not support. */
export function assertRestorable(
  backup: Restorable,
  target: RestoreTarget,
  wishes: Partial<RestoreWishes> = {},
): void {
  if (!fits(backup, target)) throw doesNotFit(backup, target)
  const {
    keepOld = false,
    createRoles = false,
    trustGlobals = false,
    databasePart,
    owners,
    allow = [],
  } = wishes
  const wanted: Record<RestoreWish, boolean> = {
    ...{ keepOld, createRoles, trustGlobals },
    ...{ databasePart: databasePart !== undefined, owners: owners !== undefined, allow: allow.length > 0 },
  }
  for (const wish of Object.keys(wanted) as RestoreWish[]) {
    const makes = wanted[wish] ? foreignWish(target, wish) : undefined
    if (makes === undefined) continue
    throw new BackupError(`The target does not support "${wish}"; only a ${makes} does`, { code: 'USAGE' })
  }
}

function doesNotFit(backup: Restorable, target: RestoreTarget): BackupError {
  const own = restoringConnector(backup)
  if (restoreOf(target).makes === 'directory') {
    return ofOneFile(
      backup,
      hint`Give a PostgreSQL URL for a database dump; for any other file: ${run('fetch', 'ID', { out: 'FILE' })}.`,
    )
  }
  const isDirectory = own?.restore?.makes === 'directory'
  return new BackupError(
    isDirectory
      ? `Backup ${backup.id} is of a directory, and the target is a database`
      : `Backup ${backup.id} is of ${own?.kind}, and the target of ${target.kind}`,
    { code: 'USAGE', hint: isDirectory ? hint`Give a directory: ${option('to')} ./restored` : undefined },
  )
}

/**
 * The same for a backup of any kind. Throws `USAGE`, `CONFIGURATION`.
 * @param options.mayBeDirectory whether a name that no target has may be a directory
 */
export async function readTarget(
  to: string,
  config: Config,
  { mayBeDirectory }: { mayBeDirectory: boolean },
): Promise<RestoreTarget> {
  if (to === '')
    throw new BackupError('The target is empty', {
      code: 'USAGE',
      hint: hint`Give ${option('to', 'DIRECTORY')}.`,
    })
  const byForm = restoring(({ form }) => form !== 'path' && form.test(to))
  if (byForm !== undefined) return await byForm.readTarget(to)
  const asPath = async (): Promise<RestoreTarget> => {
    const { readTarget } = restoring(({ form }) => form === 'path') as RestoreConnector
    return await readTarget(to)
  }
  const { readConfigFile } = await import('#config/config-file.ts')
  const file = to.includes('/') ? undefined : await readConfigFile(config)
  if (file?.targetNames.includes(to)) return await targetIn(file.target(to))
  if (file === undefined) return await asPath()
  const { path, targetNames } = file
  if (!mayBeDirectory || (targetNames.length > 0 && !(await stat(to).catch(() => undefined)))) {
    const words = path === undefined ? 'There is no telegram-backup.yaml that names a' : `${path} names no`
    const known = targetNames.length > 0 ? `There are: ${targetNames.join(', ')}. ` : ''
    throw new BackupError(`${words} target ${JSON.stringify(to.slice(0, 80))}`, {
      code: 'USAGE',
      hint: `${known}${mayBeDirectory ? `For a new directory of that name, write ./${to}` : 'Give a PostgreSQL URL, or write the target into the file.'}`,
    })
  }
  return await asPath()
}

function restoring(is: (restore: RestoreConnector) => boolean): RestoreConnector | undefined {
  return CONNECTORS.map(({ restore }) => restore).find(restore => restore !== undefined && is(restore))
}

/** What kind of target a wish is for, when this target does not support it. */
export function foreignWish(target: RestoreTarget, wish: RestoreWish): RestoreConnector['makes'] | undefined {
  if (restoreOf(target).wishes.includes(wish)) return undefined
  return restoring(({ wishes }) => wishes.includes(wish))?.makes
}

/** The wishes without those that the target does not support: of many targets, each gets its own. */
export function supportedWishes(target: RestoreTarget, wishes: RestoreWishes): RestoreWishes {
  const { wishes: supported } = restoreOf(target)
  const { overwrite, keepOld, createRoles, trustGlobals, databasePart, owners, allow } = wishes
  return {
    overwrite,
    keepOld: keepOld && supported.includes('keepOld'),
    createRoles: createRoles && supported.includes('createRoles'),
    trustGlobals: trustGlobals && supported.includes('trustGlobals'),
    databasePart: supported.includes('databasePart') ? databasePart : undefined,
    owners: supported.includes('owners') ? owners : undefined,
    allow: supported.includes('allow') ? allow : [],
  }
}

/** What a request over HTTP can ask for. */
export function requestedWishes(overwrite: boolean): RestoreWishes {
  return { overwrite, keepOld: false, createRoles: false, trustGlobals: false, allow: [] }
}

/** A placeholder for the target in a restore command, by the record of a backup; undefined: fetch it. */
export function shownTarget(source: BackupDetails['source']): string | undefined {
  return recordedKind(source)?.restore?.shown
}

/** Reads the single files of a backup. Throws `USAGE` for a backup without any. */
export function membersOf(backup: BackupDetails): MemberConnector {
  const { members } = restoringConnector(backup) ?? {}
  if (members !== undefined) return members
  throw ofOneFile(backup, hint`Fetch the whole backup: ${run('fetch', 'ID', { out: 'FILE' })}.`)
}

function ofOneFile({ id, filename }: Restorable, hint: Hint): BackupError {
  return new BackupError(
    `Backup ${id} is not of a directory, but of one file (${filename ?? 'without a name'})`,
    { code: 'USAGE', hint },
  )
}

/** Whether it is a tar file: the backup of a directory, or a tar file that was sent. */
export function holdsDirectory(backup: Pick<BackupDetails, 'source' | 'filename'>): boolean {
  return restoringConnector(backup)?.members !== undefined
}
