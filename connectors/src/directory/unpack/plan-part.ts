import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Member, shownName } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import { componentsOf, leadsOutside } from '#directory/pack/outside-links.ts'
import { LINKS_HINT } from '#directory/unpack/member-rules.ts'
import { inspectPlaces } from '#directory/unpack/part-places.ts'
import { restorePart } from '#directory/unpack/restore-part.ts'
import { type DirectoryTarget, inspectFolder } from '#directory/unpack/target-folder.ts'
import type { MemberSelection } from '#members.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OutsideAllowance, PlannedRestore, RestoreStep, RestoreWishes } from '#restoring.ts'

/**
 * Plans to restore a part: into a directory that exists, where all else stays, or into a new one. Throws what
 * {@link inspectPlaces} and {@link inspectFolder} throw, and for undecided links `USAGE`.
 */
export async function planPart(
  { path: asked }: DirectoryTarget,
  _backup: RecordedBackup,
  of: {
    selection: MemberSelection
    wishes: RestoreWishes
    keep: readonly string[]
    signal: AbortSignal
  },
): Promise<PlannedRestore> {
  const { selection, wishes, keep, signal } = of
  const { allow, overwrite } = wishes
  const links = treatmentOfLinks(selection.chosen, allow)
  const sizeBytes = [...selection.chosen, ...selection.contents].reduce(
    (sum, { offset, end }) => sum + end - offset,
    0,
  )
  const isThere = (await stat(asked).catch(() => undefined))?.isDirectory() === true
  const options = { overwrite, sizeBytes, keep }
  const places = isThere ? await inspectPlaces(asked, selection.chosen, options) : undefined
  const folder = places?.staging ?? (await inspectFolder(asked, options))
  const path = places?.path ?? folder.path
  const step: RestoreStep =
    places === undefined
      ? { does: 'write', into: 'new', name: path }
      : { does: 'move in', name: path, replaces: places.replaces }
  return {
    target: path,
    steps: [
      step,
      ...(links === undefined ? [] : [{ does: 'treat links' as const, words: links }]),
      ...folder.foreign.map(name => ({
        ...{ does: 'leave' as const, name: join(dirname(folder.path), name), why: 'foreign' as const },
      })),
    ],
    run: open =>
      restorePart({ folder, exists: places !== undefined }, selection, {
        ...{ bytes: open(signal), allow, overwrite, signal },
      }),
  }
}

/** For people; undefined for no known links that lead out of the directory. */
function treatmentOfLinks(
  members: readonly Member[],
  allow: readonly OutsideAllowance[],
): string | undefined {
  const outside = members.filter(
    ({ path, kind, attributes }) =>
      kind === 'symlink' &&
      attributes?.link !== undefined &&
      leadsOutside(componentsOf(path), attributes.link),
  )
  const [first] = outside
  if (first === undefined) return undefined
  const words = `${outside.length} ${outside.length === 1 ? 'link leads' : 'links lead'} out of the directory, for example ${shownName(first.path)} -> ${shownName(first.attributes?.link ?? '')}`
  if (allow.includes('outside-links')) return `${words}; they are restored unchanged`
  if (allow.includes('no-outside-links')) return `${words}; they are left out`
  throw new BackupError(`In this part of the backup, ${words}`, { code: 'USAGE', hint: LINKS_HINT })
}
