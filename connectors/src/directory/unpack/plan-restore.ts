import { dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { assertMayMakeDevices, readDevices } from '#directory/devices.ts'
import { readOutsideLinks } from '#directory/pack/outside-links.ts'
import { DEVICES_HINT, LINKS_HINT } from '#directory/unpack/member-rules.ts'
import { restoreDirectory } from '#directory/unpack/restore-directory.ts'
import { type DirectoryTarget, inspectFolder, type TargetFolder } from '#directory/unpack/target-folder.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OutsideAllowance, PlannedRestore, RestoreStep, RestoreWishes } from '#restoring.ts'

const INTO = { missing: 'new', empty: 'empty', full: 'staging' } as const

/** Throws what {@link inspectFolder} throws, and for undecided links and devices `USAGE`. */
export async function planRestore(
  target: DirectoryTarget,
  backup: RecordedBackup,
  of: { wishes: RestoreWishes; keep: readonly string[]; signal: AbortSignal },
): Promise<PlannedRestore> {
  const { wishes, keep, signal } = of
  const { allow, overwrite } = wishes
  const links = treatmentOfLinks(backup, allow)
  const devices = treatmentOfDevices(backup, allow)
  const folder = await inspectFolder(target.path, { overwrite, sizeBytes: backup.size, keep })
  return {
    target: folder.path,
    steps: stepsOf(folder, { links, devices }),
    run: open => restoreDirectory(folder, open(signal), { allow, signal }),
  }
}

function stepsOf(
  { path, state, foreign }: TargetFolder,
  { links, devices }: { links: string | undefined; devices: string | undefined },
): RestoreStep[] {
  return [
    { does: 'write', into: INTO[state], name: path },
    ...(links === undefined ? [] : [{ does: 'treat links' as const, words: links }]),
    ...(devices === undefined ? [] : [{ does: 'treat devices' as const, words: devices }]),
    ...foreign.map(name => ({
      ...{ does: 'leave' as const, name: join(dirname(path), name), why: 'foreign' as const },
    })),
  ]
}

/** For people; undefined for no known links that lead out. */
function treatmentOfLinks(
  { source }: RecordedBackup,
  allow: readonly OutsideAllowance[],
): string | undefined {
  const known = readOutsideLinks(source)
  if (known === undefined) return undefined
  if (allow.includes('outside-links')) return `${known.words}; they are restored unchanged`
  if (allow.includes('no-outside-links')) return `${known.words}; they are left out`
  throw new BackupError(`In the backup, ${known.words}`, { code: 'USAGE', hint: LINKS_HINT })
}

/** For people; undefined for no known devices. */
function treatmentOfDevices(backup: RecordedBackup, allow: readonly OutsideAllowance[]): string | undefined {
  const known = readDevices(backup.source)
  if (known === undefined) return undefined
  assertMayMakeDevices(backup)
  if (allow.includes('devices')) return `${known.words}; made as in the backup`
  throw new BackupError(`The backup holds ${known.words}`, { code: 'USAGE', hint: DEVICES_HINT })
}
