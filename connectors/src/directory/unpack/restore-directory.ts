import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import type { OutsideLink } from '#directory/pack/outside-links.ts'
import { MemberRules } from '#directory/unpack/member-rules.ts'
import { StagingFolder } from '#directory/unpack/staging-folder.ts'
import { TarInspector } from '#directory/unpack/tar-inspector.ts'
import type { TargetFolder } from '#directory/unpack/target-folder.ts'
import { PipedProgram } from '#programs/piped-program.ts'
import { findTar, type TarProgram, tarEnvironment } from '#programs/tar-program.ts'
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
    const inspector = new TarInspector(rules)
    await extract(tar, staging.tree, inspected(bytes, inspector))
    await syncFileSystem(staging.tree)
    if (signal.aborted) throw new BackupError('Cancelled; nothing was restored', { code: 'CANCELLED' })
    const leftOut =
      rules.leftOutCount === 0 ? {} : { left_out_links: rules.leftOutCount, left_out: rules.leftOut }
    return { members: inspector.members, ...leftOut, ...(await staging.swapIn()) }
  } catch (error) {
    await staging.discard()
    throw error
  }
}

/** Errors of late writes must be known before the old directory goes. */
async function syncFileSystem(folder: string): Promise<void> {
  try {
    await promisify(execFile)('sync', ['-f', '.'], { cwd: folder, env: tarEnvironment() })
  } catch (error) {
    // Without this program or its -f, the system writes when it likes.
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT' || /option/.test(stderr)) return
    throw extractionFailed(stderr)
  }
}

async function* inspected(bytes: AsyncIterable<Buffer>, inspector: TarInspector): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) yield* inspector.inspect(chunk)
  inspector.finish()
}

async function extract(tar: TarProgram, folder: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  const program = new PipedProgram(
    tar.program,
    [
      '--extract',
      '--file=-',
      '--preserve-permissions',
      '--delay-directory-restore',
      ...(process.getuid?.() === 0 ? ['--same-owner'] : ['--no-same-owner']),
      ...(tar.keepsAttributes ? ['--acls', '--xattrs', '--xattrs-include=*'] : []),
      '--warning=no-timestamp',
    ],
    // A program enters its folder before exec; only until then can it use our handles.
    { environment: tarEnvironment(), folder },
  )
  try {
    // The input is read to its end even if tar is gone: the last part must be verified.
    for await (const chunk of bytes) if (!(await program.write(chunk))) await assertDoneWell(program)
    await assertDoneWell(program)
  } catch (error) {
    await program.kill()
    throw error
  }
}

async function assertDoneWell(program: PipedProgram): Promise<void> {
  const { exitCode, words } = await program.finish()
  if (exitCode !== 0) throw extractionFailed(words)
}

function extractionFailed(words: string): BackupError {
  const [first = 'it gave no reason'] = words.split('\n').filter(line => !/Exiting with failure/.test(line))
  const isFull = /No space left on device|Disk quota exceeded/.test(words)
  return new BackupError(`tar cannot write the directory: ${first.slice(0, 500)}`, {
    code: isFull ? 'DISK_FULL' : 'EXTRACTION',
    hint: isFull ? 'Free some room, or name a directory on another disk.' : undefined,
  })
}
