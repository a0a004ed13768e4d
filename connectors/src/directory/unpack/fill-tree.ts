import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import { type MemberJudge, TarInspector } from '#directory/unpack/tar-inspector.ts'
import { PipedProgram } from '#programs/piped-program.ts'
import { type TarProgram, tarEnvironment } from '#programs/tar-program.ts'

/**
 * Unpacks a tar file into a folder, and waits until all is on disk. Every header passes the judge before tar
 * sees it. Returns the number of members. Throws what the bytes and the judge throw, `EXTRACTION`,
 * `CANCELLED`.
 */
export async function fillTree(
  folder: string,
  bytes: AsyncIterable<Buffer>,
  { tar, judge, signal }: { tar: TarProgram; judge: MemberJudge; signal: AbortSignal },
): Promise<number> {
  const inspector = new TarInspector(judge)
  await extract(tar, folder, inspected(bytes, inspector))
  await syncFileSystem(folder)
  if (signal.aborted) throw new BackupError('Cancelled; nothing was restored', { code: 'CANCELLED' })
  return inspector.members
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
