import { chmod } from 'node:fs/promises'
import type { OutsideLink } from '#directory/pack/outside-links.ts'
import { fillTree } from '#directory/unpack/fill-tree.ts'
import { MemberRules } from '#directory/unpack/member-rules.ts'
import { StagingFolder } from '#directory/unpack/staging-folder.ts'
import type { TargetFolder } from '#directory/unpack/target-folder.ts'
import { findTar } from '#programs/tar-program.ts'
import type { OutsideAllowance } from '#restoring.ts'

/** For a directory that the archive itself does not hold. */
const DEFAULT_MODE = 0o755

export type DirectoryRestored = {
  members: number
  /** Omitted links that lead out: their number, and some of them. */
  left_out_links?: number
  left_out?: readonly OutsideLink[]
  /** The remainder of the old directory that could not be deleted. */
  leftBehind?: string
}

/**
 * Unpacks a tar file into a staging folder, and swaps it in when all of it was verified and written. Every
 * header passes the inspector before tar sees it. After any failure the target is as before. Throws what the
 * bytes throw, `UNRESTORABLE` for an archive that reaches out of the directory, `EXTRACTION`, `CANCELLED`.
 */
export async function restoreDirectory(
  target: TargetFolder,
  bytes: AsyncIterable<Buffer>,
  options: { allow: readonly OutsideAllowance[]; signal: AbortSignal },
): Promise<DirectoryRestored> {
  const { signal } = options
  const tar = await findTar(signal)
  const staging = await StagingFolder.create(target)
  try {
    await chmod(staging.tree, DEFAULT_MODE)
    const rules = new MemberRules(options.allow)
    const members = await fillTree(staging.tree, bytes, { tar, judge: rules, signal })
    return { members, ...leftOutBy(rules), ...(await staging.swapIn()) }
  } catch (error) {
    await staging.discard()
    throw error
  }
}

/** The omitted links, as facts for programs. */
export function leftOutBy({
  leftOut,
  leftOutCount,
}: MemberRules): Pick<DirectoryRestored, 'left_out_links' | 'left_out'> {
  return leftOutCount === 0 ? {} : { left_out_links: leftOutCount, left_out: leftOut }
}
