import { dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { readOutsideLinks } from '#directory/pack/outside-links.ts'
import { LINKS_HINT } from '#directory/unpack/member-rules.ts'
import { restoreDirectory } from '#directory/unpack/restore-directory.ts'
import { type DirectoryTarget, inspectFolder, type TargetFolder } from '#directory/unpack/target-folder.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OutsideAllowance, PlannedRestore, RestoreStep, RestoreWishes } from '#restoring.ts'

const INTO = { missing: 'new', empty: 'empty', full: 'beside' } as const

/** Throws what {@link inspectFolder} throws, and `USAGE` for links that lead out where nothing was said of them. */
export async function planRestore(
  target: DirectoryTarget,
  backup: RecordedBackup,
  of: { wishes: RestoreWishes; keep: readonly string[]; signal: AbortSignal },
): Promise<PlannedRestore> {
  const { wishes, keep, signal } = of
  const { allow, overwrite } = wishes
  const links = treatmentOfLinks(backup, allow)
  const folder = await inspectFolder(target.path, { overwrite, sizeBytes: backup.size, keep })
  return {
    target: folder.path,
    steps: stepsOf(folder, links),
    run: open => restoreDirectory(folder, open(signal), { allow, signal }),
  }
}

function stepsOf({ path, state, strangers }: TargetFolder, links: string | undefined): RestoreStep[] {
  return [
    { does: 'write', into: INTO[state], name: path },
    ...(links === undefined ? [] : [{ does: 'treat links' as const, words: links }]),
    ...strangers.map(name => ({
      ...{ does: 'leave' as const, name: join(dirname(path), name), why: 'foreign' as const },
    })),
  ]
}

/** For people; undefined where there are no links that lead out, or none are known. */
function treatmentOfLinks(
  { source }: RecordedBackup,
  allow: readonly OutsideAllowance[],
): string | undefined {
  const known = readOutsideLinks(source)
  if (known === undefined) return undefined
  if (allow.includes('outside-links')) return `${known.words}; they are made as they are`
  if (allow.includes('no-outside-links')) return `${known.words}; they are left out`
  throw new BackupError(`Of the backup, ${known.words}`, { code: 'USAGE', hint: LINKS_HINT })
}
