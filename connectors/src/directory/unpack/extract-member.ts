import { BackupError } from '@telegram-backup/errors'
import { pathOf } from '#directory/members-of-tar.ts'
import { TarInspector } from '#directory/unpack/tar-inspector.ts'
import type { FileStamp } from '#members.ts'
import { FilterProgram } from '#programs/piped-program.ts'
import { findTar, tarEnvironment } from '#programs/tar-program.ts'

/** Two zero blocks end a tar file. */
const END_OF_TAR = Buffer.alloc(1024)

/** The contents of a file, from the bytes of its member alone. Throws `EXTRACTION`, `CONFIGURATION`. */
export async function* extractMember(
  bytes: AsyncIterable<Buffer>,
  { signal, onStamp }: { signal: AbortSignal; onStamp: (stamp: FileStamp) => void },
): AsyncGenerator<Buffer> {
  const { program } = await findTar(signal)
  const tar = new FilterProgram(program, ['--extract', '--to-stdout', '--file=-'], {
    environment: tarEnvironment(),
  })
  yield* tar.pass(ended(heard(bytes, onStamp)))
  const { exitCode, words } = await tar.ended
  if (exitCode === 0) return
  throw new BackupError(`tar cannot unpack the file: ${words.split('\n')[0]?.slice(0, 500)}`, {
    code: 'EXTRACTION',
  })
}

export async function readLinkTarget(bytes: AsyncIterable<Buffer>): Promise<string> {
  let target = ''
  const inspector = new TarInspector({
    check: ({ linkName }) => {
      target = pathOf(linkName)
      return true
    },
  })
  for await (const chunk of bytes) inspector.inspect(chunk)
  return target
}

/** Passes the bytes on, and reports the mode and time of their header. */
async function* heard(
  bytes: AsyncIterable<Buffer>,
  onStamp: (stamp: FileStamp) => void,
): AsyncGenerator<Buffer> {
  const inspector = new TarInspector({
    check: ({ stamp }) => {
      onStamp(stamp)
      return true
    },
  })
  for await (const chunk of bytes) yield* inspector.inspect(chunk)
}

async function* ended(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* bytes
  yield END_OF_TAR
}
