import { rmdirSync, unlinkSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { type Member, memberPathBytes, shownName } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import { pathOf } from '#directory/members-of-tar.ts'
import { fillTree } from '#directory/unpack/fill-tree.ts'
import { folderMember } from '#directory/unpack/folder-member.ts'
import { MemberRules, type TarMember } from '#directory/unpack/member-rules.ts'
import { moveIn } from '#directory/unpack/move-in.ts'
import { type DirectoryRestored, leftOutBy } from '#directory/unpack/restore-directory.ts'
import { type MovedIn, StagingFolder } from '#directory/unpack/staging-folder.ts'
import type { MemberJudge } from '#directory/unpack/tar-inspector.ts'
import type { TargetFolder } from '#directory/unpack/target-folder.ts'
import type { MemberSelection } from '#members.ts'
import { findTar } from '#programs/tar-program.ts'
import type { OutsideAllowance } from '#restoring.ts'

/** Two zero blocks end a tar file. */
const END_OF_TAR = Buffer.alloc(1024)

export type PartRestored = DirectoryRestored & {
  /** How many files were replaced. */
  replaced: number
}

/**
 * Unpacks a part of a tar file into a staging folder, then moves it into a directory that exists, or renames
 * it to a new one. Nothing is moved before all was verified and written. After a failure the target is as
 * before. Throws what {@link fillTree} throws, and `SWAP` if somebody changes the target meanwhile.
 * @param target.exists the staging folder lies in the directory; else it becomes the directory
 */
export async function restorePart(
  target: { folder: TargetFolder; exists: boolean },
  selection: MemberSelection,
  options: {
    /** Of the chosen members and the contents, in the order of their offsets. */
    bytes: AsyncIterable<Buffer>
    allow: readonly OutsideAllowance[]
    overwrite: boolean
    signal: AbortSignal
  },
): Promise<PartRestored> {
  const { bytes, allow, overwrite, signal } = options
  const tar = await findTar(signal)
  const staging = await StagingFolder.create(target.folder)
  try {
    await chmod(staging.tree, 0o755)
    const rules = new MemberRules(allow)
    const judge = new ExpectedMembers(rules, selection)
    await fillTree(staging.tree, withFolders(selection, bytes), { tar, judge, signal })
    removeContents(staging.tree, selection)
    const facts = { members: selection.chosen.length - rules.leftOutCount, ...leftOutBy(rules) }
    if (!target.exists) return { ...facts, replaced: 0, ...(await staging.swapIn()) }
    const chosen = new Set(selection.chosen.map(({ path }) => path))
    let replaced = 0
    const left = await staging.moveIn(async places => {
      const moved = await moveIn(places, { overwrite, chosen: path => chosen.has(path) })
      replaced = moved.replaced
      return worded(moved)
    })
    return { ...facts, replaced, ...left }
  } catch (error) {
    await staging.discard()
    throw error
  }
}

/** Every member must be the one that the list names: the list says what may be replaced in the target. */
class ExpectedMembers implements MemberJudge {
  readonly #rules: MemberRules
  readonly #paths: readonly string[]
  #next = 0

  constructor(rules: MemberRules, { above, chosen, contents }: MemberSelection) {
    this.#rules = rules
    this.#paths = [...above, ...inOrder([...chosen, ...contents])].map(({ path }) => path)
  }

  check(member: TarMember): boolean {
    const expected = this.#paths[this.#next++]
    if (expected !== pathOf(member.name)) {
      throw new BackupError(
        `The backup holds ${shownName(pathOf(member.name))} where its list names ${shownName(expected ?? 'nothing')}`,
        { code: 'INTEGRITY', hint: 'Restore the whole backup, which does not need the list.' },
      )
    }
    return this.#rules.check(member)
  }
}

function inOrder<One extends Member>(members: readonly One[]): One[] {
  return members.toSorted((a, b) => a.offset - b.offset)
}

/** The folders above come first; they were not fetched. */
async function* withFolders(
  { above }: MemberSelection,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  for (const { path, attributes } of above) yield folderMember(path, attributes)
  yield* bytes
  yield END_OF_TAR
}

/** Removes what only hard links needed, and folders that were made for it alone. */
function removeContents(tree: string, { above, chosen, contents }: MemberSelection): void {
  const wanted = new Set([...above, ...chosen].map(({ path }) => path))
  const inTree = (path: string): Buffer => Buffer.concat([Buffer.from(`${tree}/`), memberPathBytes(path)])
  for (const { path } of contents) {
    // A link that leads out may have been left out.
    unlinkIfThere(inTree(path))
    let folder = path
    for (;;) {
      folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))
      if (folder === '' || wanted.has(folder)) break
      try {
        rmdirSync(inTree(folder))
      } catch {
        break
      }
    }
  }
}

function unlinkIfThere(path: Buffer): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** System errors of the target, for people. */
function worded({ failure, ...moved }: MovedIn): MovedIn {
  if (failure === undefined) return moved
  const { code, syscall } = failure.error as NodeJS.ErrnoException
  if (failure.error instanceof BackupError || syscall === undefined) return { failure, ...moved }
  const error = new BackupError(`The files could not be moved into the directory (${code})`, {
    code: code === 'ENOSPC' || code === 'EDQUOT' ? 'DISK_FULL' : 'SWAP',
    hint: 'The directory is as before. Restore into a new directory, and move the files from there.',
    cause: failure.error,
  })
  return { failure: { error }, ...moved }
}
